"""Copying, as a person with pencil and paper would do it: slow, without a database, and knowing nothing of the product.

Dicts, lists, Decimals and Fractions only. Sides are +1 and -1, volumes are lots, money is USD. What is not modelled is not
done by the machine: stops, pending orders, margin (accounts are rich), other currencies.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

D = Decimal
CENT = D("0.01")
STEP = D("0.01")
UNITS = {"EURUSD": D(100_000), "XAUUSD": D(100)}
DIGITS = {"EURUSD": 5, "XAUUSD": 2}
LARGEST = {"EURUSD": D(100), "XAUUSD": D(50)}
ACTIVE, CLOSED, UNTRACKED = "ACTIVE", "CLOSED", "UNTRACKED"
Quote = tuple[Decimal, Decimal]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def down(lots: Fraction) -> Decimal:
    """The whole steps in so many lots."""
    return STEP * floor(lots / Fraction(STEP))


def up(lots: Fraction) -> Decimal:
    return STEP * ceil(lots / Fraction(STEP))


@dataclass(eq=False)
class Ticket:
    symbol: str
    side: int
    lots: Decimal
    price: Decimal
    number: int | None = None


@dataclass(eq=False)
class Link:
    """A subscription's part of a ticket. `lots` is 0 once it has ended."""

    ticket: Ticket
    lots: Decimal
    state: str = ACTIVE


@dataclass(eq=False)
class Account:
    name: str
    netting: bool
    balance: Decimal
    commission: Decimal
    tickets: list[Ticket] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def position(self, symbol: str) -> Ticket | None:
        """The netting position."""
        return next((t for t in self.tickets if t.symbol == symbol), None) if self.netting else None


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


class Model:
    """A small world. `now` is in seconds."""

    def __init__(self) -> None:
        self.now = 0
        self.quotes: dict[str, Quote] = {}
        self.accounts: dict[str, Account] = {}
        self.subscriptions: list[Subscription] = []
        self.read: dict[str, int] = {}  # how much of each leader's log has been copied
        self.module_on = True
        self.switched_off: set[str] = set()  # masters and followers that are not enabled

    # --- Money

    def value(self, ticket: Ticket, lots: Decimal, at: Quote | None = None) -> Decimal:
        """What closing so many lots of a ticket would bring, now or at a quote."""
        bid, ask = at or self.quotes[ticket.symbol]
        moved = (bid if ticket.side > 0 else ask) - ticket.price
        return cents(moved * ticket.side * UNITS[ticket.symbol] * lots)

    def equity(self, account: Account) -> Decimal:
        return account.balance + sum((self.value(t, t.lots) for t in account.tickets), D(0))

    # --- Orders of one account

    def buy(
        self, account: Account, symbol: str, side: int, lots: Decimal, hand: bool = True, at: Quote | None = None
    ) -> Ticket | None:
        """A market order, filled now or at a quote; gives the ticket that it opened or joined, None when it only reduced
        one."""
        held = account.position(symbol)
        if held is not None and held.side != side:
            lots -= (taken := min(lots, held.lots))
            self.sell(account, held, taken, hand)
            if not lots:
                return None
            held = None
        price = (at or self.quotes[symbol])[1 if side > 0 else 0]
        equity, balance = self.equity(account), account.balance
        account.balance -= cents(account.commission * lots)
        if held is not None:
            before = held.lots
            average = (held.lots * held.price + lots * price) / (held.lots + lots)
            held.price = average.quantize(D("1e-10"), rounding=ROUND_HALF_EVEN)
            held.lots += lots
            self._write(account, "INCREASE", held, before, equity, balance)
            return held
        ticket = Ticket(symbol, side, lots, price)
        account.tickets.append(ticket)
        self._write(account, "OPEN", ticket, D(0), equity, balance)
        return ticket

    def sell(self, account: Account, ticket: Ticket, lots: Decimal, hand: bool = True, at: Quote | None = None) -> None:
        """Closes so many lots of a ticket. By `hand` the links on it lose what it no longer holds."""
        assert D(0) < lots <= ticket.lots, "an exit takes no more than there is"
        before, equity, balance = ticket.lots, self.equity(account), account.balance
        account.balance += self.value(ticket, lots, at) - cents(account.commission * lots)
        ticket.lots -= lots
        if not ticket.lots:
            account.tickets.remove(ticket)
        if hand:
            self._share_loss(ticket, before)
        self._write(account, "REDUCE" if ticket.lots else "CLOSE", ticket, before, equity, balance)

    def money(self, account: Account, amount: Decimal) -> None:
        account.balance += amount
        account.log.append({"kind": "BALANCE"})

    def _write(
        self, account: Account, kind: str, ticket: Ticket, before: Decimal, equity: Decimal, balance: Decimal
    ) -> None:
        account.log.append(
            {
                "kind": kind, "trade": ticket, "symbol": ticket.symbol, "side": ticket.side, "before": before,
                "after": ticket.lots, "equity": equity, "balance": balance, "quote": self.quotes[ticket.symbol],
                "at": self.now,
            }
        )  # fmt: skip

    def _share_loss(self, ticket: Ticket, before: Decimal) -> None:
        """Lots that nobody owns go first; then every link loses its share in whole steps, the largest remainders one
        step more."""
        links = [k for s in self.subscriptions for k in s.active() if k.ticket is ticket]
        links.sort(key=self._age_of)
        owned = sum((k.lots for k in links), D(0))
        loss = max(D(0), owned - ticket.lots) if ticket.lots else owned
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

    def _age_of(self, link: Link) -> int:
        return self.all_links.index(link)

    # --- Copying

    all_links: list[Link]

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
                    else:
                        self._leave(subscription, seq, event)
        self.read[leader.name] = len(leader.log)

    def _enter(self, s: Subscription, seq: int, event: dict[str, Any], gone: bool) -> None:
        if s.ended or seq < s.first:
            return
        side = event["side"] * (-1 if s.settings["reverse_direction"] else 1)
        reason, lots = self._refusal(s, event, side, gone)
        if reason:
            s.told[seq] = ("SKIPPED", reason, D(0))
            return
        own = [k for k in s.active(event["trade"]) if k.ticket is s.follower.position(event["symbol"])]
        ticket = self.buy(s.follower, event["symbol"], side, lots, hand=False, at=self._held(event))
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

    def _leave(self, s: Subscription, seq: int, event: dict[str, Any]) -> None:
        links = s.active(event["trade"])
        if not links:
            if any(link.state == CLOSED for link in s.links.get(event["trade"], [])):
                s.told[seq] = ("SKIPPED", "ALREADY_FLAT", D(0))
            return
        if s.settings["copy_mode"] == 1:
            if event["kind"] == "CLOSE":
                self.let_go(links)
            s.told[seq] = ("SKIPPED", "COPY_MODE", D(0))
            return
        if event["kind"] == "REDUCE" and not s.settings["copy_partial_close"]:
            s.told[seq] = ("SKIPPED", "PARTIAL_NOT_COPIED", D(0))
            return
        owned = sum((k.lots for k in links), D(0))
        share = Fraction(event["before"] - event["after"]) / Fraction(event["before"])
        wanted = min(owned, up(Fraction(owned) * share))
        done = D(0)
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
            link.lots, link.state = D(0), UNTRACKED
