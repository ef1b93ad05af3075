"""Which tenant a host name, a slug or a login leads to: asked before any tenant is known, at every request.

Tenants and domains are few and change rarely, so each process keeps them for a few seconds.
"""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Final

from accounts.models import LoginDirectory, Tenant, TenantDomain

KEPT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class TenantRef:
    """A tenant, as far as requests need it."""

    id: int
    slug: str
    name: str
    timezone: str
    live: bool


@dataclass(frozen=True, slots=True)
class _Known:
    by_id: dict[int, TenantRef]
    by_slug: dict[str, TenantRef]
    by_domain: dict[str, TenantRef]
    read_at: float


_lock = Lock()
_known: _Known | None = None


def tenant_of_host(host: str) -> TenantRef | None:
    """The tenant that has `host` (a name, with or without a port) as a domain."""
    return _read().by_domain.get(_name_of(host))


def tenant_of_id(tenant_id: int) -> TenantRef | None:
    """The tenant of that id."""
    return _read().by_id.get(tenant_id) or _read(fresh=True).by_id.get(tenant_id)


def tenant_of_slug(slug: str, *, fresh: bool = False) -> TenantRef | None:
    """The tenant of that slug; with `fresh` also one that was made a moment ago."""
    found = _read().by_slug.get(slug)
    return _read(fresh=True).by_slug.get(slug) if found is None and fresh else found


def tenant_of_login(login: int) -> TenantRef | None:
    """The tenant that a trading account's login belongs to."""
    tenant_id = LoginDirectory.objects.filter(login=login).values_list("tenant_id", flat=True).first()
    return None if tenant_id is None else tenant_of_id(tenant_id)


def forget() -> None:
    """Reads anew at the next question."""
    global _known
    _known = None


def _read(*, fresh: bool = False) -> _Known:
    global _known
    known = _known
    if known is not None and not fresh and time.monotonic() - known.read_at < KEPT_SECONDS:
        return known
    with _lock:
        # Whoever waited here for another thread's reading takes that one.
        if _known is not None and _known is not known:
            return _known
        tenants = {
            row[0]: TenantRef(*row) for row in Tenant.objects.values_list("id", "slug", "name", "timezone", "live")
        }
        domains = TenantDomain.objects.values_list("domain", "tenant_id")
        _known = _Known(
            by_id=tenants,
            by_slug={tenant.slug: tenant for tenant in tenants.values()},
            by_domain={domain: tenants[tenant_id] for domain, tenant_id in domains if tenant_id in tenants},
            read_at=time.monotonic(),
        )
        return _known


def _name_of(host: str) -> str:
    """`host` in lower case, without port and without the root's dot."""
    name, colon, port = host.lower().rpartition(":")
    bare = name if colon and port.isdigit() and not name.endswith(":") else host.lower()
    return bare.rstrip(".")
