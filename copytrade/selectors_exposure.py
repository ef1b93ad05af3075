"""What the open copies of followers are worth and weigh at current quotes. For staff."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from copytrade.domain.exposure import Overleverage, leverage_of, overleverage
from copytrade.models import TradeLink
from core.money import round_money
from core.rounding import ZERO, half_even, plain
from core.states import LinkState, Side
from infra.bulk import hot_cursor
from trading.domain.valuation import picture, price_profit
from trading.domain.values import AccountState, Market
from trading.services.desk import desk_open


@dataclass(frozen=True, slots=True)
class Carried:
    """What one follower account carries, in its currency; None where something it holds cannot be priced.

    `exposure` is the gross notional of all its open copies, whoever is copied; `open_pnl` by subscription what they
    would bring now, before costs.
    """

    equity: Decimal
    exposure: Decimal | None
    leverage: Decimal | None
    warning: Overleverage
    open_pnl: dict[int, Decimal | None]


def followers_carry(account_ids: Iterable[int], *, threshold: Decimal) -> dict[int, Carried]:
    """By follower account; a fixed number of queries for any number of them. `threshold` is the tenant's."""
    ids = sorted(set(account_ids))
    if not ids:
        return {}
    links: defaultdict[int, list[TradeLink]] = defaultdict(list)
    for link in TradeLink.objects.filter(follower_id__in=ids, state=LinkState.ACTIVE, resting=False).order_by("pk"):
        links[link.follower_id].append(link)
    desk = desk_open(hot_cursor(), ids, {link.symbol for held in links.values() for link in held}, lock=False)
    return {
        account_id: _carried(account, desk.market, links[account_id], threshold)
        for account_id, account in desk.accounts.items()
    }


def _carried(account: AccountState, market: Market, links: list[TradeLink], threshold: Decimal) -> Carried:
    exposure: Decimal | None = ZERO
    open_pnl: dict[int, Decimal | None] = {}
    for link in links:
        notional, profit = _worth(account, market, link)
        exposure = None if exposure is None or notional is None else exposure + notional
        before = open_pnl.get(link.subscription_id, ZERO)
        open_pnl[link.subscription_id] = None if before is None or profit is None else before + profit
    equity = picture(account, market).equity
    leverage = leverage_of(exposure, equity)
    return Carried(
        equity=equity,
        exposure=exposure,
        leverage=None if leverage is None else plain(half_even(leverage, 4)),
        warning=overleverage(exposure, equity, threshold),
        open_pnl=open_pnl,
    )


def _worth(account: AccountState, market: Market, link: TradeLink) -> tuple[Decimal | None, Decimal | None]:
    """Notional and floating profit of what a link owns, at the price at which it would be closed."""
    spec = market.find(link.symbol)
    quote = None if spec is None else market.quote(spec)
    rate = None if spec is None else market.rate(spec.profit_currency, account.currency)
    if spec is None or quote is None or rate is None:
        return None, None
    side, lots, entry = Side(link.side), plain(link.volume), plain(link.entry_price)
    price = quote.exit_price(side)
    notional = spec.contract_size * price * lots * rate
    profit = price_profit(spec, side, lots, entry, price) * rate
    return round_money(notional, account.currency), round_money(profit, account.currency)
