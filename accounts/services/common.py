"""What the services of this app share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.errors import DomainError, conflict, invalid
from infra.tenancy import current_tenant

CURRENCY = re.compile(r"[A-Z0-9]{3,8}")
LEVERAGE_MAX = 100_000


def tenant_id() -> int:
    """The tenant that new rows belong to."""
    tenant = current_tenant()
    if tenant is None:
        raise RuntimeError("this needs a tenant scope")
    return tenant


def duplicate(message: str) -> DomainError:
    """409 for a record that exists already."""
    return conflict("RET_DUPLICATE_RECORD", message)


@contextmanager
def unique_or_conflict(message: str) -> Iterator[None]:
    """A duplicate that a constraint finds inside becomes 409 `RET_DUPLICATE_RECORD`; the transaction lives on."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
            raise duplicate(message) from error
        raise


def checked_leverage(leverage: int) -> int:
    """`leverage`, when it is from 1 to `LEVERAGE_MAX`."""
    if not 1 <= leverage <= LEVERAGE_MAX:
        raise invalid("leverage", _("must be from 1 to %(most)s") % {"most": LEVERAGE_MAX})
    return leverage
