"""What the socket asks the database, in threads of its own: who somebody is, and what they may listen to.

Nothing here runs on the event loop. Every function gives its connection back when it is done.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

from accounts import directory
from accounts.models import ApiSession
from accounts.selectors import actor_for_claims
from accounts.tokens import Claims, token_decode
from core import clock
from infra.actor import Actor
from infra.hub import hub
from infra.tenancy import tenant_scope
from trading.frames import quote_text
from trading.models import Instrument
from trading.selectors_access import TradableAccount, account_for_login

logger = logging.getLogger(__name__)

READ_THREADS: Final = 2

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Signed:
    """A valid session, as the socket keeps it."""

    actor: Actor
    claims: Claims


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol that exists; `quote` is its stored quote as a frame, None while it has none."""

    symbol: str
    quote: str | None


_readers = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="socket-read")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a function of this module without holding up the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_readers, partial(function, *args, **kwargs))


@contextmanager
def database() -> Iterator[None]:
    """Gives the thread's connection back afterwards: to the pool, or for good where there is none."""
    try:
        yield
    finally:
        connection.close()


@contextmanager
def scoped(tenant_id: int) -> Iterator[None]:
    """`tenant_scope`, entered a second time when the connection turned out to be dead: nothing was done with it yet."""
    scope = tenant_scope(tenant_id)
    try:
        scope.__enter__()
    except (OperationalError, InterfaceError):
        connection.close()
        scope = tenant_scope(tenant_id)
        scope.__enter__()
    try:
        yield
    except BaseException as error:
        if not scope.__exit__(type(error), error, error.__traceback__):
            raise
    else:
        scope.__exit__(None, None, None)


def signed_by(token: str, host: str) -> Signed | None:
    """The session that a token names, None when it is not valid, or on a Host that is another tenant's domain."""
    at = clock.now()
    claims = token_decode(token, at)
    if claims is None:
        return None
    with database():
        by_host = directory.tenant_of_host(host)
        if by_host is not None and by_host.id != claims.tenant_id:
            return None
        with scoped(claims.tenant_id):
            actor = actor_for_claims(claims, at)
    return None if actor is None else Signed(actor, claims)


def account_of(actor: Actor, login: int) -> TradableAccount:
    """The account of that login, if the actor may trade for it; else `DomainError`."""
    with database(), scoped(actor.tenant_id):
        return account_for_login(actor, login)


def listings(tenant_id: int, symbols: Iterable[str]) -> list[Listing]:
    """Those of `symbols` that the tenant has, with their stored quotes."""
    with database(), scoped(tenant_id):
        rows = list(
            Instrument.objects.filter(symbol__in=list(symbols)).values_list(
                "symbol", "quote__bid", "quote__ask", "quote__at"
            )
        )
    return [
        Listing(symbol, None if at is None else quote_text(symbol, bid, ask, clock.unix(at)))
        for symbol, bid, ask, at in rows
    ]


async def end_dead_sessions() -> None:
    """Closes sockets whose session ended while Redis could not tell. For `Hub.when_blind`."""
    here = hub()
    for tenant_id, session_ids in here.sessions().items():
        living = await in_thread(_living, tenant_id, session_ids)
        for session_id in set(session_ids) - living:
            here.end_session(tenant_id, session_id)


def _living(tenant_id: int, session_ids: list[str]) -> set[str]:
    with database(), scoped(tenant_id):
        alive = ApiSession.objects.filter(pk__in=session_ids, revoked_at=None).values_list("pk", flat=True)
        return {str(session_id) for session_id in alive}
