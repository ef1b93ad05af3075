"""A master's past once more, with a follower that was not there: every event goes through the turn of live copying.

The follower's account lives in memory. What the house does by itself (stops, stop-out, nights) is done by the house's own
rules whenever a quote of the past is known: at each event of the master and at the end of each day.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from copytrade.domain.contracts import Catalogue, Offers
from copytrade.domain.follower_stops import FollowerStop, stop_reached
from copytrade.domain.planner import ExitPlan
from copytrade.domain.values import LeaderEvent, LinkBook, Owing, Settings
from copytrade.engine.hands import Hands
from copytrade.engine.outcome import Copy, Outcome
from copytrade.engine.reads import Claim, Stand
from copytrade.engine.rules import Rules
from copytrade.engine.turn import Turn
from core.contracts import ContractSpec
from core.rounding import ZERO
from core.states import CopyStatus, EventKind, LinkState, Origin
from marketplace.domain.dry_run import Closed, CurvePoint, DryRun, Fall
from marketplace.services.dry_run_reads import DayOver, Past
from trading.domain.execution import Instruction, close_market
from trading.domain.stopout import stop_out_carry_out
from trading.domain.storage import night_storage
from trading.domain.triggers import triggers_carry_out
from trading.domain.valuation import market_move, picture
from trading.domain.values import Journal, QuoteNow
from trading.services.desk import Desk

PAUSED: Final = 1
_COMMISSION: Final = "COMMISSION"


class Replay:
    """One dry run. `stop` is the follower stop that the settings ask for, `close_all` what it does when it is reached."""

    _last: LeaderEvent

    def __init__(self, past: Past, settings: Settings, stop: FollowerStop | None, *, close_all: bool) -> None:
        self._past, self._settings, self._stop, self._close_all = past, settings, stop, close_all
        self._account = past.account
        self._market = past.market.quoted(past.quotes)
        self._links = LinkBook()
        self._rules = Rules()
        self._closing = Owing()
        self._out = False
        """The follower stop has been reached and closes whatever is open."""
        self._now = past.begin
        claim = Claim(
            tenant_id=past.account.tenant_id,
            shard_id=0,
            number=0,
            cursor=0,
            leader_id=settings.leader_id,
            leader_login=0,
            leader_customer_id=0,
            leader_currency=settings.leader_currency,
            events=[],
            last_seq=0,
            more=False,
            exits_wait=False,
            account_rows=[],
        )
        self._outcome = Outcome(claim=claim, stand=None)
        self._begin_day(past.begin)
        self._fall = Fall()
        self._curve: list[CurvePoint] = []
        self._trades, self._copied, self._skipped = 0, 0, Counter[str]()
        self._commission = ZERO
        self._closed: list[Closed] = []

    def run(self) -> DryRun:
        """Lives through the whole past, once."""
        self._look(self._past.begin, shown=True)
        days = iter(self._past.days)
        day = next(days, None)
        for event in self._past.events:
            while day is not None and day.at <= event.at:
                self._day_over(day)
                day = next(days, None)
            self._event(event)
        while day is not None:
            self._day_over(day)
            day = next(days, None)
        last = {s.id: q for s in self._past.market.specs if (q := self._past.market.quote(s)) is not None}
        self._moved(self._past.end, last)
        self._look(self._past.end, shown=True)
        return DryRun(
            begin=self._past.begin,
            end=self._past.end,
            currency=self._account.currency,
            curve=self._curve,
            trades=self._trades,
            copied=self._copied,
            skipped=self._skipped,
            max_drawdown=self._fall.drawdown,
            commission=self._commission,
            rewards=ZERO,
            open_positions=len(self._account.tickets),
            closed=self._closed,
        )

    # --- What happens

    def _event(self, event: LeaderEvent) -> None:
        quoted = self._quoted_by(event)
        if quoted:
            self._moved(event.at, quoted)
        self._now, self._last = event.at, event
        self._turn.copy(event, self._settings, 0)
        self._trades += event.kind.is_entry
        self._take_down()
        if not event.volume_after:
            # What has ended is found by its trade; a line of the living alone keeps counting them short.
            self._links.links[:] = [link for link in self._links.links if link.active]
        self._look(event.at)

    def _day_over(self, day: DayOver) -> None:
        """The end of a day: its quotes are in force, and where the house ended it, the night is charged."""
        self._moved(day.at, day.quotes)
        for ticket in self._account.tickets if day.quotes else ():
            swap = self._past.swaps[ticket.spec.id]
            rate = self._market.rate(ticket.spec.profit_currency, self._account.currency)
            if rate is not None and (nights := swap.nights(day.day)):
                ticket.storage += night_storage(ticket, swap, nights, rate, self._account.currency)
        self._begin_day(day.at)
        self._look(day.at, shown=True)

    def _moved(self, at: datetime, quoted: Mapping[int, QuoteNow]) -> None:
        """The market comes to these quotes: stops and stop-out, as the house carries them out."""
        self._now = at
        market_move(self._account, self._market, quoted)
        if self._account.tickets:
            journal = self._outcome.journal
            triggers_carry_out(journal, self._market, self._account, quoted, at)
            stop_out_carry_out(journal, self._market, self._account, at)
            if self._out:
                self._close_everything()
            self._retry_exits()
            self._take_down()

    def _retry_exits(self) -> None:
        """Exits that failed are tried again when the market moves; until then nothing is opened there."""
        for key, debt in list(self._outcome.debts.items()):
            link, owed = debt.link, debt.link.owed
            if link.active and owed:
                kind = EventKind.CLOSE if owed == link.volume else EventKind.REDUCE
                copy = Copy(replace(self._last, kind=kind), self._settings, self._account, 0, self._now, is_retry=True)
                link.owed = ZERO
                self._turn.close(copy, ExitPlan([(link, owed)]))
                if copy.status is CopyStatus.REJECTED:
                    link.owed = owed
                    continue
            del self._outcome.debts[key]
            self._closing.settle(link)

    def _look(self, at: datetime, *, shown: bool = False) -> None:
        """Looks at the equity: for the fall, for the follower stop, and for the curve where it is `shown`."""
        seen = picture(self._account, self._market)
        self._fall.see(seen.equity)
        if shown:
            self._curve.append(CurvePoint(at, seen.equity))
        if self._stop is None or not seen.complete:
            return
        if self._close_all and not self._out and stop_reached(self._stop, seen.equity) is not None:
            self._out = True
            self._settings = replace(self._settings, status=PAUSED)
            self._close_everything()
            self._take_down()
        if seen.equity > self._stop.peak_equity:
            self._stop = replace(self._stop, peak_equity=seen.equity)
        self._rules.stops[self._settings.subscription_id] = self._stop

    def _close_everything(self) -> None:
        """Closes all copies; what has no usable quote now is tried again when the market moves."""
        how = Instruction(origin=Origin.COPY, at=self._now)
        for ticket in list(self._account.tickets):
            close_market(self._outcome.journal, self._market, self._account, ticket, None, how)

    # --- What is kept

    def _take_down(self) -> None:
        """Counts what was decided, books what was closed, and ends the links of tickets that the house closed."""
        for copy in self._outcome.copies:
            self._count(copy)
        self._outcome.copies.clear()
        journal = self._outcome.journal
        if not (journal.orders or journal.movements):
            return
        for order in journal.orders:
            record = order.closed
            if record is not None:
                net = record.profit + record.commission + record.storage
                self._closed.append(Closed(order.at, record.volume, net))
        self._commission -= sum((m.amount for m in journal.movements if m.reason == _COMMISSION), ZERO)
        if any(order.origin is not Origin.COPY or self._out for order in journal.orders):
            for link in self._links.links:
                ticket = self._outcome.ticket_of(link)
                if link.active and not link.resting and ticket not in self._account.tickets:
                    self._outcome.link_end(link, LinkState.CLOSED)
        self._outcome.journal = Journal()

    def _count(self, copy: Copy) -> None:
        if copy.status is not CopyStatus.FILLED:
            self._skipped[copy.reason] += 1
        elif copy.event.kind.is_entry:
            self._copied += 1

    # --- What decisions are made from

    def _begin_day(self, at: datetime) -> None:
        """Contracts are chosen, and converted into others, at the rates with which the day begins."""
        frozen = self._market.quoted({s.id: q for s in self._market.specs if (q := self._market.quote(s)) is not None})
        desk = Desk({self._settings.follower_id: self._account}, self._market)
        offers = Offers(frozen.specs, at.year, frozen.rate)
        stand = self._outcome.stand = Stand(desk, [], self._links, offers, self._rules, self._closing)
        self._turn = Turn(Hands(stand, self._outcome), lambda: self._now, frozenset())
        self._catalogue = Catalogue(frozen.specs, at.year)
        self._kin: dict[int, list[ContractSpec]] = {}

    def _quoted_by(self, event: LeaderEvent) -> Mapping[int, QuoteNow]:
        """The contracts that the event's quote prices: its own, and its variants where they are traded instead."""
        spec = self._market.find(event.symbol)
        if spec is None or not event.bid:
            return {}
        if spec.id not in self._kin:
            others = self._catalogue.relatives(spec) if self._settings.auto_variant else []
            self._kin[spec.id] = [spec, *others]
        quote = QuoteNow(event.bid, event.ask, event.at)
        return {one.id: quote for one in self._kin[spec.id]}
