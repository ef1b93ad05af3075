"""Copying, as a person with pencil and paper would do it: slow, without a database, and knowing nothing of the product."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from tests.model.paper.house import DIGITS, LARGEST, STEP, ZERO, Account, House, Quote, Ticket, fits

ACTIVE, CLOSED, UNTRACKED = "ACTIVE", "CLOSED", "UNTRACKED"


def down(lots: Fraction) -> Decimal:
    """The whole steps in so many lots."""
    return STEP * floor(lots / Fraction(STEP))


def up(lots: Fraction) -> Decimal:
    return STEP * ceil(lots / Fraction(STEP))


@dataclass(eq=False)
class Link:
    """A subscription's part of a ticket. `lots` is 0 once it has ended."""

    ticket: Ticket
    lots: Decimal
    state: str = ACTIVE


@dataclass(eq=False)
class Subscription:
    """`links` by the leader's ticket, oldest first; `told` by the leader's event: (status, reason, lots)."""

    name: int
    leader: Account
    follower: Account
    first: int
    settings: dict[str, Any]
    ended: bool = False
    links: dict[Ticket, list[Link]] = field(default_factory=dict)
    told: dict[int, tuple[str, str, Decimal]] = field(default_factory=dict)

    def active(self, trade: Ticket | None = None) -> list[Link]:
        all_of_them = [k for t, links in self.links.items() if trade in (None, t) for k in links]
        return [link for link in all_of_them if link.state == ACTIVE]

    def was_closed(self, trade: Ticket) -> bool:
        """Whether there was a copy of it that has been closed."""
        return any(link.state == CLOSED for link in self.links.get(trade, []))


class Model(House):
    """The house, and who copies whom in it."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions: list[Subscription] = []
        self.all_links: list[Link] = []  # oldest first
        self.read: dict[str, int] = {}  # how much of each leader's log has been copied
        self.module_on = True
        self.switched_off: set[str] = set()  # masters and followers that are not enabled

    def somebody_took(self, ticket: Ticket) -> None:
        """Lots that nobody owns go first; then every link loses its share in whole steps, the largest remainders one
        step more."""
        links = [k for k in self.all_links if k.ticket is ticket and k.state == ACTIVE]
        owned = sum((k.lots for k in links), ZERO)
        loss = max(ZERO, owned - ticket.lots) if ticket.lots else owned
        if not loss:
            return
        exact = [Fraction(loss) * Fraction(k.lots) / Fraction(owned) for k in links]
        parts = [down(e) for e in exact]
        by_remainder = sorted(range(len(links)), key=lambda i: (Fraction(parts[i]) - exact[i], i))
        for i in by_remainder[: int((loss - sum(parts)) / STEP)]:
            parts[i] += STEP
        for link, part in zip(links, parts, strict=True):
            link.lots -= part
            if not link.lots:
                link.state = CLOSED

    def copy(self, leader: Account) -> None:
        """Everything that the leader did since the last time, for everybody who copies it."""
        start = self.read.get(leader.name, 0)
        for seq, event in enumerate(leader.log[start:], start + 1):
            if event["kind"] == "BALANCE":
                continue
            later = leader.log[seq:]
            gone = any(e["kind"] == "CLOSE" and e["trade"] is event["trade"] for e in later)
            for subscription in self.subscriptions:
                if subscription.leader is leader:
                    if event["kind"] in ("OPEN", "INCREASE"):
                        self._enter(subscription, seq, event, gone)
                    elif event["kind"] == "MODIFY":
                        self._restop(subscription, seq, event)
                    else:
                        self._leave(subscription, seq, event)
        self.read[leader.name] = len(leader.log)

    def _enter(self, s: Subscription, seq: int, event: dict[str, Any], gone: bool) -> None:
        if s.ended or seq < s.first:
            return
        side = event["side"] * (-1 if s.settings["reverse_direction"] else 1)
        reason, lots = self._refusal(s, event, side, gone)
        if reason:
            s.told[seq] = ("SKIPPED", reason, ZERO)
            return
        held = s.follower.position(event["symbol"])
        own = [k for k in s.active(event["trade"]) if k.ticket is held]
        # Stops guard all of a ticket, so they come only where all of it is this one copy.
        alone = held is None or (bool(own) and own[0].lots == held.lots)
        sl, tp = self._stops(s, event, ZERO, ZERO) if alone else (ZERO, ZERO)
        bid, ask = self.quotes[event["symbol"]]
        if not fits(side, bid if side > 0 else ask, sl, tp):
            s.told[seq] = ("REJECTED", "RET_TRADE_BAD_STOPS", lots)
            return
        ticket = self.buy(s.follower, event["symbol"], side, lots, sl, tp, hand=False, at=self._held(event))
        assert ticket is not None, "an entry never reduces"
        if own:
            own[0].lots += lots
        else:
            link = Link(ticket, lots)
            s.links.setdefault(event["trade"], []).append(link)
            self.all_links.append(link)
        s.told[seq] = ("FILLED", "", lots)

    def _refusal(self, s: Subscription, event: dict[str, Any], side: int, gone: bool) -> tuple[str, Decimal]:
        """The first reason not to enter, else how many lots."""
        of, symbol = s.settings, event["symbol"]
        held = s.follower.position(symbol)
        raw, problem = self._size(s, event)
        lots = min(raw, Fraction(of["max_volume"])) if of["max_volume"] else raw
        volume = down(min(lots, Fraction(LARGEST[symbol])))
        now, then = self._held(event), event["quote"]
        worse = (now[1] - then[1]) if side > 0 else (then[0] - now[0])
        listed = symbol in of["symbols"].split(",")
        in_order = {
            "MODULE_DISABLED": not self.module_on,
            "MASTER_NOT_ACTIVE": s.leader.name in self.switched_off,
            "SUBSCRIPTION_PAUSED": of["status"] != 0 or not of["enabled"],
            "FOLLOWER_DISABLED": s.follower.name in self.switched_off,
            "COPY_MODE": of["copy_mode"] == 2,
            "SYMBOL_FILTERED": (of["symbols_mode"] == 1 and not listed) or (of["symbols_mode"] == 2 and listed),
            "NO_LINK": event["kind"] == "INCREASE" and not s.active(event["trade"]),
            "OPPOSITE_SIDE": held is not None and held.side != side,
            "MIN_EQUITY": bool(of["min_equity"]) and self.equity(s.follower) < of["min_equity"],
            "MAX_POSITIONS": event["kind"] == "OPEN" and 0 < of["max_positions"] <= len(s.active()),
            "INVALID_EQUITY": problem,
            "BELOW_MIN_VOLUME": bool(of["min_volume"]) and raw < Fraction(of["min_volume"]),
            "ROUNDED_TO_ZERO": volume < STEP,
            "SLIPPAGE_TOLERANCE": 0 < of["slippage_tolerance"] < worse * 10 ** DIGITS[symbol],
            "SIGNAL_TOO_OLD": 0 < of["max_signal_age_seconds"] < self.now - event["at"],
            "CLOSED_BEFORE_COPY": gone,
        }
        return next((reason for reason, holds in in_order.items() if holds), ""), volume

    def _held(self, event: dict[str, Any]) -> Quote:
        """All copies of an event are filled at the leader's quote for two seconds, and then at what they meet."""
        fresh = self.now - event["at"] <= 2
        return event["quote"] if fresh else self.quotes[event["symbol"]]

    def _size(self, s: Subscription, event: dict[str, Any]) -> tuple[Fraction, bool]:
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

    @staticmethod
    def _stops(s: Subscription, event: dict[str, Any], sl: Decimal, tp: Decimal) -> tuple[Decimal, Decimal]:
        """The leader's stops, changed over when reversed; the follower's own where it does not want them."""
        theirs = (event["tp"], event["sl"]) if s.settings["reverse_direction"] else (event["sl"], event["tp"])
        return theirs[0] if s.settings["copy_sl"] else sl, theirs[1] if s.settings["copy_tp"] else tp

    def _restop(self, s: Subscription, seq: int, event: dict[str, Any]) -> None:
        links = s.active(event["trade"])
        whole = [k for k in links if k.lots == k.ticket.lots]
        reasons = {
            "ALREADY_FLAT": not links,
            "COPY_MODE": s.settings["copy_mode"] == 1,
            "STOPS_NOT_COPIED": not (s.settings["copy_sl"] or s.settings["copy_tp"]) or not whole,
        }
        if not links and not s.was_closed(event["trade"]):
            return
        reason = next((reason for reason, holds in reasons.items() if holds), "")
        if reason:
            s.told[seq] = ("SKIPPED", reason, ZERO)
            return
        done, refused = ZERO, False
        for link in whole:
            if self.set_stops(s.follower, link.ticket, *self._stops(s, event, link.ticket.sl, link.ticket.tp)):
                done += link.lots
            else:
                refused = True
        s.told[seq] = ("REJECTED", "RET_TRADE_BAD_STOPS", done) if refused else ("FILLED", "", done)

    def _leave(self, s: Subscription, seq: int, event: dict[str, Any]) -> None:
        links = s.active(event["trade"])
        if not links:
            if s.was_closed(event["trade"]):
                s.told[seq] = ("SKIPPED", "ALREADY_FLAT", ZERO)
            return
        if s.settings["copy_mode"] == 1:
            if event["kind"] == "CLOSE":
                self.let_go(links)
            s.told[seq] = ("SKIPPED", "COPY_MODE", ZERO)
            return
        if event["kind"] == "REDUCE" and not s.settings["copy_partial_close"]:
            s.told[seq] = ("SKIPPED", "PARTIAL_NOT_COPIED", ZERO)
            return
        owned = sum((k.lots for k in links), ZERO)
        share = Fraction(event["before"] - event["after"]) / Fraction(event["before"])
        wanted = min(owned, up(Fraction(owned) * share))
        done = ZERO
        for link in links:
            part = min(link.lots, wanted)
            if part:
                self.sell(s.follower, link.ticket, part, hand=False, at=self._held(event))
                link.lots -= part
                wanted -= part
                done += part
            if not link.lots:
                link.state = CLOSED
        s.told[seq] = ("FILLED", "", done)

    @staticmethod
    def let_go(links: list[Link]) -> None:
        for link in links:
            link.lots, link.state = ZERO, UNTRACKED
