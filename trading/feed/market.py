"""The market process's work for every live tenant: steps of the simulation, and once a second what time alone brings.

The command `run_market` gives it the time; nothing here looks at a clock.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import InterfaceError, OperationalError

from accounts.models import Tenant
from core.rounding import ONE
from infra.retry import retried
from infra.tenancy import tenant_scope
from trading import ports
from trading.feed.simulation import SEED, Profile, basis_of, next_quote, profile_of, rests
from trading.models import Feed, Instrument
from trading.services.margin import margin_watch
from trading.services.quotes import InstrumentQuote, QuoteSource, quotes_simulate
from trading.services.triggers import triggers_sweep

logger = logging.getLogger(__name__)

REFRESH = timedelta(seconds=1)
"""How old the list of tenants and instruments may be."""
REST_AFTER_FAILURE = timedelta(seconds=5)


@dataclass(slots=True)
class Simulated:
    """An instrument that this process moves."""

    instrument_id: int
    profile: Profile
    basis: Decimal
    quoted: bool


class SimulatedMarket:
    """Moves the simulated instruments of all live tenants, one set-based write per tenant and step; a quote carries out what
    it makes due. Once a second pending orders expire and margins are looked at, of tenants without simulation as well.

    An unexpected failure of one tenant rests that tenant for five seconds and is logged; the others go on. A database
    that is away raises `OperationalError` or `InterfaceError`: the caller waits and goes on with the same object.
    """

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed
        self._books: dict[int, dict[int, Simulated]] = {}
        self._refresh_at: datetime | None = None
        self._resting: dict[int, datetime] = {}
        self._levels: dict[int, dict[int, int]] = {}

    def step(self, at: datetime) -> int:
        """One step of every live tenant; gives the number of quotes written."""
        refresh = self._refresh_at is None or at >= self._refresh_at
        if refresh:
            tenants = Tenant.objects.filter(live=True).order_by("id").values_list("id", flat=True)
            self._books = {tenant_id: self._books.get(tenant_id, {}) for tenant_id in tenants}
            self._refresh_at = at + REFRESH
        return sum(self._step_of(tenant_id, at, refresh=refresh) for tenant_id in self._books)

    def _step_of(self, tenant_id: int, at: datetime, *, refresh: bool) -> int:
        if tenant_id in self._resting and at < self._resting[tenant_id]:
            return 0
        try:
            moved = retried(lambda: self._move(tenant_id, at, refresh=refresh or tenant_id in self._resting))
            if refresh:
                triggers_sweep(tenant_id=tenant_id, at=at)
                margin_watch(tenant_id=tenant_id, at=at, levels=self._levels.setdefault(tenant_id, {}))
            for market_step in ports.market_steps:
                market_step(tenant_id, at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("the market of tenant %s rests after a failure", tenant_id)
            self._resting[tenant_id] = at + REST_AFTER_FAILURE
            return 0
        self._resting.pop(tenant_id, None)
        return moved

    def _move(self, tenant_id: int, at: datetime, *, refresh: bool) -> int:
        with tenant_scope(tenant_id):
            if refresh:
                self._books[tenant_id] = self._read(self._books[tenant_id])
            quotes = []
            for item in self._books[tenant_id].values():
                if item.quoted and rests(item.profile.symbol, at, seed=self._seed):
                    continue
                bid, ask = next_quote(item.profile, at, seed=self._seed, basis=item.basis)
                quotes.append(InstrumentQuote(item.instrument_id, item.profile.symbol, bid, ask, first=not item.quoted))
            moved = quotes_simulate(tenant_id=tenant_id, quotes=quotes, at=at)
        for item in self._books[tenant_id].values():
            item.quoted = True
        return moved

    def _read(self, known: dict[int, Simulated]) -> dict[int, Simulated]:
        """The instruments that are simulated now. A quote that is not ours gives an instrument its new basis."""
        columns = ("id", "symbol", "asset_class", "tick_size", "quote__bid", "quote__ask", "quote__at", "quote__source")
        rows = Instrument.objects.filter(feed=Feed.SIMULATED, feed_paused=False).order_by("id").values_list(*columns)
        book = {}
        for number, symbol, asset_class, tick_size, bid, ask, quoted_at, source in rows:
            item = known.get(number)
            if item is None or item.profile.tick_size != tick_size or source != QuoteSource.SIMULATED:
                profile = profile_of(symbol, asset_class, tick_size)
                basis = ONE if bid is None else basis_of(profile, bid, ask, quoted_at, seed=self._seed)
                item = Simulated(number, profile, basis, quoted=bid is not None)
            item.quoted = bid is not None
            book[number] = item
        return book
