"""Model fields that the tables share."""

from typing import Any

from django.db import models
from django.db.models import Func

from core.rounding import STORED_DIGITS


class ExactDecimalField(models.DecimalField):
    """Money, prices, lots and factors: 20 digits before and 10 after the point, the widths that the wire accepts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 20 + STORED_DIGITS
        kwargs["decimal_places"] = STORED_DIGITS
        super().__init__(*args, **kwargs)


class NextTicket(Func):
    """The next number of the one sequence that trades and balance operations share: order numbers are unique everywhere."""

    function = "nextval"
    template = "%(function)s('ticket_seq')"
    arity = 0
    output_field = models.BigIntegerField()


class NextLogin(Func):
    """The next trading account login."""

    function = "nextval"
    template = "%(function)s('login_seq')"
    arity = 0
    output_field = models.BigIntegerField()


class CurrentXact(Func):
    """The writing transaction's id, so that consumers can read events in commit order."""

    function = "pg_current_xact_id"
    arity = 0
    template = "%(function)s()"


class Xid8Field(models.Field):
    """PostgreSQL's 64-bit transaction id."""

    def db_type(self, connection: Any) -> str:
        return "xid8"
