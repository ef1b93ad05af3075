"""Whether and how the leader's entries are copied."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from tests.model.paper.house import DIGITS, LARGEST, LIMIT, STEP, ZERO, Account, House, Ticket, fits
from tests.model.paper.links import Link, Subscription

Event = dict[str, Any]


def down(lots: Fraction) -> Decimal:
    """The whole steps in so many lots."""
    return STEP * floor(lots / Fraction(STEP))


def up(lots: Fraction) -> Decimal:
    return STEP * ceil(lots / Fraction(STEP))


class Entering(House):
    """The house, and who copies whom in it."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: list[Subscription] = []
        self.all_links: list[Link] = []  # oldest first
        self.module_on = True
        self.switched_off: set[str] = set()  # masters and followers that are not enabled
        self.quarantined: set[tuple[str, str]] = set()  # followers and contracts

    def enter(self, s: Subscription, event: Event, gone: bool) -> tuple[str, str, Decimal]:
        """An entry is opened at market, unless something speaks against it; what is told of it. `gone`: the leader has
        left it meanwhile."""
        side, symbol = event["side"] * (-1 if s.settings["reverse_direction"] else 1), event["symbol"]
        price = self._entry_price(s, event, side)
        reason, lots = self.refusal(s, event, side, price, gone)
        self.note(s, symbol, side, reason)
        if reason:
            return "SKIPPED", reason, ZERO
        held = s.follower.position(symbol)
        own = [k for k in s.active(event["trade"]) if k.ticket is held]
        # Stops guard all of a ticket, so they come only where all of it is this one copy.
        alone = held is None or (bool(own) and own[0].lots == held.lots)
        sl, tp = self.stops_for(s, event, ZERO, ZERO) if alone else (ZERO, ZERO)
        if not self.stops_fit_now(symbol, side, sl, tp):
            return "REJECTED", "RET_TRADE_BAD_STOPS", lots
        ticket = self.buy(s.follower, Ticket(symbol, side, lots, price, sl, tp), hand=False, price=price)
        assert ticket is not None, "an entry never reduces"
        if own:
            own[0].lots += lots
        else:
            self.link(s, event["trade"], Link(ticket, lots))
        return "FILLED", "", lots

    def owes(self, account: Account, symbol: str) -> bool:
        """Whether something should have been closed there already."""
        links = [k for s in self.subscriptions if s.follower is account for k in s.active()]
        return any(k.owed and k.ticket.symbol == symbol for k in links)

    def note(self, s: Subscription, symbol: str, side: int, reason: str) -> None:
        """An entry against a position that should be gone: leader and follower no longer agree."""
        held = s.follower.position(symbol)
        against = held is not None and held.side != side and reason in ("CLOSE_ONLY", "OPPOSITE_SIDE")
        if against and self.owes(s.follower, symbol):
            self.quarantined.add((s.follower.name, symbol))

    def link(self, s: Subscription, trade: Ticket, link: Link) -> None:
        s.links.setdefault(trade, []).append(link)
        self.all_links.append(link)

    def refusal(
        self, s: Subscription, event: Event, side: int, price: Decimal, gone: bool, shadow: Ticket | None = None
    ) -> tuple[str, Decimal]:
        """The first reason not to enter at the price, else how many lots. A `shadow` was sized when it was placed."""
        of, symbol, kind = s.settings, event["symbol"], event["kind"]
        held = s.follower.position(symbol)
        raw, problem = self._size(s, event)
        lots = min(raw, Fraction(of["max_volume"])) if of["max_volume"] else raw
        volume = shadow.lots if shadow else down(min(lots, Fraction(LARGEST[symbol])))
        worse = (price - event["quote"][1 if side > 0 else 0]) * side
        listed = symbol in of["symbols"].split(",")
        places = kind == "PLACE"
        in_order = {
            "MODULE_DISABLED": not self.module_on,
            "MASTER_NOT_ACTIVE": s.leader.name in self.switched_off,
            "SUBSCRIPTION_PAUSED": s.ended or of["status"] != 0 or not of["enabled"],
            "FOLLOWER_DISABLED": s.follower.name in self.switched_off,
            "COPY_MODE": of["copy_mode"] == 2,
            "SYMBOL_FILTERED": (of["symbols_mode"] == 1 and not listed) or (of["symbols_mode"] == 2 and listed),
            "PENDING_NOT_COPIED": places and (not of["copy_pending_orders"] or of["reverse_direction"]),
            "NO_LINK": kind == "INCREASE" and not s.active(event["trade"]),
            "ALREADY_FLAT": kind == "OPEN" and s.was_closed(event["trade"]),
            "CLOSE_ONLY": self.owes(s.follower, symbol),
            "OPPOSITE_SIDE": not places and held is not None and held.side != side,
            "QUARANTINED": (s.follower.name, symbol) in self.quarantined,
            "MIN_EQUITY": bool(of["min_equity"]) and self.equity(s.follower) < of["min_equity"],
            "MAX_POSITIONS": kind != "INCREASE" and 0 < of["max_positions"] <= len(s.active()),
            "INVALID_EQUITY": not shadow and problem,
            "BELOW_MIN_VOLUME": not shadow and bool(of["min_volume"]) and raw < Fraction(of["min_volume"]),
            "ROUNDED_TO_ZERO": volume < STEP,
            "STALE_QUOTE": symbol in self.stale,
            "SLIPPAGE_TOLERANCE": not places and 0 < of["slippage_tolerance"] < worse * 10 ** DIGITS[symbol],
            "SIGNAL_TOO_OLD": 0 < of["max_signal_age_seconds"] < self.now - event["at"],
            "CLOSED_BEFORE_COPY": gone,
        }
        return next((reason for reason, holds in in_order.items() if holds), ""), volume

    def fill_price(self, event: Event, side: int, limit: Ticket | None = None) -> Decimal:
        """All copies of an event are filled at the leader's quote for two seconds, and then, as what somebody asked for, at
        what they meet; those of a limit order never worse than at its price."""
        fresh = self.now - event["at"] <= 2 and not event.get("asked")
        quote = event["quote"] if fresh else self.quotes[event["symbol"]]
        now: Decimal = quote[1 if side > 0 else 0]
        if limit is None or limit.kind != LIMIT:
            return now
        return min(now, limit.price) if side > 0 else max(now, limit.price)

    def _entry_price(self, s: Subscription, event: Event, side: int) -> Decimal:
        """Where a leader's position took an order in, who had a copy of that order gets what it was promised."""
        order = event["taken_in"]
        promised = order is not None and s.was_closed(order) and order.side == side
        return self.fill_price(event, side, order if promised else None)

    def stops_fit_now(self, symbol: str, side: int, sl: Decimal, tp: Decimal) -> bool:
        return fits(side, self.quotes[symbol][0 if side > 0 else 1], sl, tp)

    @staticmethod
    def stops_for(s: Subscription, event: Event, sl: Decimal, tp: Decimal) -> tuple[Decimal, Decimal]:
        """The leader's stops, changed over when reversed; the follower's own where it does not want them."""
        theirs = (event["tp"], event["sl"]) if s.settings["reverse_direction"] else (event["sl"], event["tp"])
        return theirs[0] if s.settings["copy_sl"] else sl, theirs[1] if s.settings["copy_tp"] else tp

    def _size(self, s: Subscription, event: Event) -> tuple[Fraction, bool]:
        """Lots before limits, and whether there is no ratio to take."""
        of, lots = s.settings, Fraction(event["after"] - event["before"])
        if of["volume_mode"] == 0:
            return Fraction(of["fixed_volume"]), False
        if of["volume_mode"] == 1:
            return lots * Fraction(of["risk_multiplier"]), False
        by_equity = of["volume_mode"] == 2
        mine = self.equity(s.follower) if by_equity else s.follower.balance
        theirs = event["equity"] if by_equity else event["balance"]
        if mine <= 0 or theirs <= 0:
            return Fraction(0), True
        return lots * Fraction(of["risk_multiplier"]) * Fraction(mine) / Fraction(theirs), False
