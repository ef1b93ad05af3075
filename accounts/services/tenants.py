"""Tenants and what they have switched on."""

import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import directory
from accounts.models import ProductConfig, Tenant, TenantDomain
from accounts.services.common import unique_or_conflict
from core.errors import invalid
from infra.tenancy import current_tenant, tenant_scope

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


def tenant_create(
    *,
    slug: str,
    name: str,
    at: datetime,
    domains: Sequence[str] = (),
    timezone: str = "America/New_York",
    day_end: time = time(17),
    live: bool = True,
) -> Tenant:
    """A new operator with its domains and its product configuration. Called outside any tenant's scope.

    Domains are host names without a port; trading days end at `day_end` on the clocks of `timezone`.
    409 `RET_DUPLICATE_RECORD` for a slug or domain that is taken.
    """
    if not _SLUG.fullmatch(slug):
        raise invalid("slug", _("must be 1 to 50 lower-case letters, digits and hyphens"))
    if not 1 <= len(name) <= 100:
        raise invalid("name", _("must have 1 to 100 characters"))
    _check_zone(timezone)
    hosts = [domain.lower().rstrip(".") for domain in domains]
    if not all(_DOMAIN.fullmatch(host) for host in hosts):
        raise invalid("domains", _("must be host names without a port"))
    with transaction.atomic(), unique_or_conflict(_("The slug or a domain is taken.")):
        tenant = Tenant.objects.create(
            slug=slug, name=name, timezone=timezone, day_end=day_end, live=live, created_at=at
        )
        TenantDomain.objects.bulk_create(TenantDomain(tenant=tenant, domain=host) for host in hosts)
        with tenant_scope(tenant.id):
            ProductConfig.objects.create(tenant_id=tenant.id)
    transaction.on_commit(directory.forget)
    return tenant


def tenant_settings_update(
    *, at: datetime, timezone: str | None = None, day_end: time | None = None, **changes: Any
) -> ProductConfig:
    """Changes the current tenant's settings: `changes` as of `product_config_update`, and when its trading days end.

    The day that is running ends as it would have; the next one on the clocks of the new zone or at the new hour. 400
    INVALID_DATA for what is no time zone, and when the next day would be over before it has begun.
    """
    if timezone is not None or day_end is not None:
        _days_change(timezone, day_end, at)
    return product_config_update(**changes)


def _days_change(timezone: str | None, day_end: time | None, at: datetime) -> None:
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=current_tenant() or 0)
    zone = tenant.timezone if timezone is None else timezone
    _check_zone(zone)
    days = tenant.days.changed(zone, tenant.day_end if day_end is None else day_end, at)
    if days is None:
        raise invalid("timezone", _("would leave nothing of the next trading day: change it in two steps"))
    tenant.days = days
    tenant.save(update_fields=["timezone", "day_end", "former_days"])
    transaction.on_commit(directory.forget)


def _check_zone(timezone: str) -> None:
    if timezone not in available_timezones():
        raise invalid("timezone", _("is not a time zone"))


def product_config_update(**changes: Any) -> ProductConfig:
    """Changes what the current tenant has switched on and set; values by the names of `ProductConfig`'s columns."""
    config = ProductConfig.objects.select_for_update(no_key=True).get()
    for name, value in changes.items():
        setattr(config, name, value)
    config.save(update_fields=list(changes))
    return config
