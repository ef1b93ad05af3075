"""The reads of pages that need several apps at once: accounts at current quotes, positions with their leader, masters.

Everything is limited to accounts of the viewer (`Viewer.shown`, `Viewer.own`); a tenant scope is open around every request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import TradingAccount
from copytrade.models import CopyOrder, CopySubscription, TradeLink
from copytrade.selectors import copied_trades as seen_copied_trades
from core.contracts import AssetClass
from core.money import round_money
from core.rounding import ZERO
from core.states import Cmd, CopyStatus, LinkState, Side
from infra.actor import Actor
from infra.bulk import hot_cursor
from portal.waiting import WaitingOrder, waiting_orders
from trading.domain.valuation import Picture, floating_profit, picture
from trading.domain.values import AccountState, Market, Ticket
from trading.models import Feed, Instrument, Quote
from trading.services.desk import desk_open

ROWS_SHOWN = 25
CLASSES = (AssetClass.FX, AssetClass.METAL, AssetClass.INDEX, AssetClass.FUTURE, AssetClass.CRYPTO, AssetClass.CFD)
MAJORS = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "USDCAD", "AUDUSD", "NZDUSD")


@dataclass(frozen=True, slots=True)
class Position:
    """One open ticket as the portal shows it. `profit` in account currency, None when it cannot be priced now."""

    order: int
    login: int
    currency: str
    symbol: str
    digits: int
    side: Side
    volume: Decimal
    open_price: Decimal
    current_price: Decimal | None
    sl: Decimal
    tp: Decimal
    profit: Decimal | None
    opened_at: datetime
    copied: bool
    leader: str
    point_value: Decimal  # account currency, for a price change of 1 and one lot; 0 when there is no rate
    lot_min: Decimal
    lot_step: Decimal


@dataclass(frozen=True, slots=True)
class AccountNow:
    """An account at current quotes."""

    account: TradingAccount
    state: AccountState
    picture: Picture


@dataclass(frozen=True, slots=True)
class Total:
    """An amount of one currency."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """The shown accounts with everything that is open on them and everything that waits."""

    accounts: list[AccountNow]
    positions: list[Position]
    waiting: list[WaitingOrder]
    market: Market

    def totals(self, field: str) -> list[Total]:
        """The sum of a field of the accounts' pictures for each currency, the most used currency first."""
        return totals((now.account.currency, getattr(now.picture, field)) for now in self.accounts)


def totals(amounts: Iterable[tuple[str, Decimal]]) -> list[Total]:
    """The sum of the amounts of each currency, in the order in which currencies appear."""
    sums: dict[str, Decimal] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, ZERO) + amount
    return [Total(currency, amount) for currency, amount in sums.items()]


def book_of(shown: Sequence[TradingAccount]) -> Book:
    """Accounts, positions and the market that prices them; a fixed number of queries for any number of accounts."""
    desk = desk_open(hot_cursor(), [account.pk for account in shown], lock=False)
    leaders = _leaders_of([account.pk for account in shown])
    accounts: list[AccountNow] = []
    positions: list[Position] = []
    waiting: list[WaitingOrder] = []
    for account in shown:
        state = desk.accounts[account.pk]
        accounts.append(AccountNow(account, state, picture(state, desk.market)))
        positions += [_position(state, desk.market, ticket, leaders) for ticket in state.tickets]
        waiting += waiting_orders(state, desk.market, leaders)
    waiting.sort(key=lambda order: (order.placed_at, order.order), reverse=True)
    positions.sort(key=lambda position: (position.opened_at, position.order), reverse=True)
    return Book(accounts, positions, waiting, desk.market)


def _position(state: AccountState, market: Market, ticket: Ticket, leaders: dict[int, str]) -> Position:
    quote = market.quote(ticket.spec)
    rate = market.rate(ticket.spec.profit_currency, state.currency)
    return Position(
        order=ticket.number,
        login=state.login,
        currency=state.currency,
        symbol=ticket.spec.symbol,
        digits=ticket.spec.digits,
        side=ticket.side,
        volume=ticket.volume,
        open_price=ticket.open_price,
        current_price=quote.exit_price(ticket.side) if quote else None,
        sl=ticket.sl,
        tp=ticket.tp,
        profit=floating_profit(state, market, ticket),
        opened_at=ticket.open_at,
        copied=ticket.copied,
        leader=leaders.get(ticket.number, ""),
        point_value=ZERO if rate is None else ticket.spec.point_value * rate,
        lot_min=ticket.spec.lot_min,
        lot_step=ticket.spec.lot_step,
    )


def _leaders_of(account_ids: Sequence[int]) -> dict[int, str]:
    """The strategy's or group's name for every ticket that is copied now."""
    links = TradeLink.objects.filter(follower_id__in=account_ids, state=LinkState.ACTIVE).values_list(
        "follower_trade_id", "subscription_id"
    )
    by_ticket = dict(links)
    followed = Coalesce("master__strategy_name", "group__name")
    names = CopySubscription.objects.filter(pk__in=set(by_ticket.values())).values_list("pk", followed)
    by_subscription = dict(names)
    return {ticket: by_subscription.get(subscription, "") for ticket, subscription in by_ticket.items()}


# --- What was copied ----------------------------------------------------------------------------------------------------


def copies_today(shown: Sequence[TradingAccount], at: datetime) -> tuple[int, int]:
    """How many copies from or to these accounts were carried out since midnight in the viewer's zone, how many not."""
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    either = Q(follower__in=shown) | Q(leader__in=shown)
    counted = CopyOrder.objects.filter(either, decided_at__gte=midnight).aggregate(
        filled=Count("pk", filter=Q(status=CopyStatus.FILLED)),
        refused=Count("pk", filter=Q(status__in=[CopyStatus.SKIPPED, CopyStatus.REJECTED])),
    )
    return counted["filled"], counted["refused"]


@dataclass(frozen=True, slots=True)
class CopiedTrade:
    """One closed copy. `result` is net: profit, commission and storage, in account currency."""

    order: int
    login: int
    currency: str
    symbol: str
    digits: int
    side: Side
    volume: Decimal
    open_price: Decimal
    close_price: Decimal
    result: Decimal
    closed_at: datetime | None


def copied_trades(actor: Actor, shown: Sequence[TradingAccount]) -> list[CopiedTrade]:
    """The last closed copies, newest first."""
    trades: Iterable[Any] = (
        seen_copied_trades(actor)
        .filter(account__in=shown)
        .select_related("account")
        .order_by("-close_at", "-id")[:ROWS_SHOWN]
    )
    return [
        CopiedTrade(
            order=trade.pk,
            login=trade.account.login,
            currency=trade.account.currency,
            symbol=trade.symbol,
            digits=trade.digits,
            side=Cmd(trade.cmd).side,
            volume=trade.volume,
            open_price=trade.open_price,
            close_price=trade.close_price,
            result=trade.net_profit,
            closed_at=trade.close_at,
        )
        for trade in trades
    ]


# --- The market ---------------------------------------------------------------------------------------------------------


def market_is_simulated() -> bool:
    """Whether any instrument of the tenant gets its prices from the built-in simulation."""
    return Instrument.objects.filter(feed=Feed.SIMULATED, feed_paused=False).exists()


def heartbeat_symbol() -> str:
    """A symbol whose quotes tell a page without prices that it is live: the one quoted last."""
    return Quote.objects.order_by("-at", "pk").values_list("instrument__symbol", flat=True).first() or ""


@dataclass(frozen=True, slots=True)
class Watched:
    """An instrument with its last quote, if it has one."""

    instrument: Instrument
    quote: Quote | None

    @property
    def spread_points(self) -> Decimal | None:
        """Ask minus bid in points of 10^-digits."""
        if self.quote is None:
            return None
        return (self.quote.ask - self.quote.bid).scaleb(self.instrument.digits)


def market_watch() -> list[Watched]:
    """What can be traded, by asset class and symbol."""
    quotes = {quote.instrument_id: quote for quote in Quote.objects.all()}
    instruments = sorted(Instrument.objects.filter(trade_enabled=True), key=_market_order)
    return [Watched(instrument, quotes.get(instrument.pk)) for instrument in instruments]


def _market_order(instrument: Instrument) -> tuple[int, int, str]:
    """Currencies first, the euro's before the others', as terminals list them."""
    major = MAJORS.index(instrument.symbol) if instrument.symbol in MAJORS else len(MAJORS)
    return CLASSES.index(AssetClass(instrument.asset_class)), major, instrument.symbol


# --- Masters and subscriptions ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenCopiesNow:
    """What a subscription owns on its follower's account at this moment, in the account's currency."""

    number: int
    floating: Decimal
    currency: str


def open_copies_of(subscriptions: Iterable[CopySubscription]) -> dict[int, OpenCopiesNow]:
    """For each subscription how many tickets it owns a part of, and the floating result of those parts."""
    listed = list(subscriptions)
    followers = {subscription.follower_id for subscription in listed}
    desk = desk_open(hot_cursor(), list(followers), lock=False)
    tickets = {ticket.number: (state, ticket) for state in desk.accounts.values() for ticket in state.tickets}
    number = {subscription.pk: 0 for subscription in listed}
    floating = {subscription.pk: ZERO for subscription in listed}
    links = TradeLink.objects.filter(subscription_id__in=number, state=LinkState.ACTIVE)
    for link in links:
        held = tickets.get(link.follower_trade_id)
        if held is None:
            continue
        state, ticket = held
        whole = floating_profit(state, desk.market, ticket) or ZERO
        number[link.subscription_id] += 1
        # A ticket may belong to several subscriptions: each is shown its share.
        floating[link.subscription_id] += whole * link.volume / ticket.volume
    return {
        subscription.pk: OpenCopiesNow(
            number[subscription.pk],
            round_money(floating[subscription.pk], subscription.follower.currency),
            subscription.follower.currency,
        )
        for subscription in listed
    }
