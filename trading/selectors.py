"""Reads of accounts and their trades. Those for request code take the actor."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, Expression, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Round

from accounts.models import TradingAccount
from accounts.selectors import accounts
from core.money import currency_digits
from core.states import Cmd, TradeState
from infra.actor import Actor
from infra.bulk import hot_cursor
from infra.fields import ExactDecimalField
from trading.domain.valuation import Picture, picture
from trading.domain.values import Market
from trading.models import Instrument, Quote, Trade
from trading.services.desk import desk_open

MARKET_CMDS = (Cmd.BUY, Cmd.SELL)
BALANCE_CMDS = (Cmd.BALANCE_IN, Cmd.BALANCE_OUT)


def account_pictures(account_ids: Iterable[int]) -> dict[int, Picture]:
    """Accounts at current quotes, by id; four queries whatever their number. Nothing is locked."""
    ids = sorted(set(account_ids))
    if not ids:
        return {}
    desk = desk_open(hot_cursor(), ids, lock=False)
    return {account_id: picture(account, desk.market) for account_id, account in desk.accounts.items()}


def account_picture(account_id: int) -> Picture:
    """One account at current quotes."""
    return account_pictures([account_id])[account_id]


def trades(actor: Actor, account: TradingAccount | None = None) -> QuerySet[Trade]:
    """The records that a session may see, of one account or of all, with `floating` and `net` annotated.

    `floating` is the profit in account currency: what closing now would book for an open record (null when it cannot
    be priced), what was booked for any other.
    """
    seen = Trade.objects.filter(account__in=accounts(actor))
    if account is not None:
        seen = seen.filter(account=account)
    return _valued(seen)


def market_records(account_id: int) -> QuerySet[Trade]:
    """An account's orders and trades as `trades` gives them, without its balance operations, whoever asks: for callers
    that have decided who may see them."""
    return _valued(Trade.objects.filter(account_id=account_id).exclude(cmd__in=BALANCE_CMDS))


def _valued(seen: QuerySet[Trade]) -> QuerySet[Trade]:
    found = seen.alias(profit_currency=_of_instrument("profit_currency")).annotate(
        floating=Case(
            When(state=TradeState.OPEN, cmd__in=MARKET_CMDS, then=_floating()),
            default=F("profit"),
            output_field=ExactDecimalField(),
        )
    )
    return found.annotate(net=F("floating") + F("commission") + F("storage"))


def _floating() -> Expression:
    """The formula of `trading.domain.valuation.converted_profit` in SQL, so that a table can be sorted by it."""
    closing = Case(
        When(cmd=Cmd.BUY, then=_of_quote("bid") - F("open_price")),
        default=F("open_price") - _of_quote("ask"),
        output_field=ExactDecimalField(),
    )
    worth = closing * _of_instrument("tick_value") / _of_instrument("tick_size") * F("volume")
    by_currency = [
        When(
            account__currency=currency,
            then=Round(
                worth * _rate_to(currency), precision=currency_digits(currency), output_field=ExactDecimalField()
            ),
        )
        for currency in TradingAccount.objects.order_by().values_list("currency", flat=True).distinct()
    ]
    return Case(*by_currency, default=None, output_field=ExactDecimalField())


def _rate_to(currency: str) -> Expression:
    market = _conversions()
    sources = Instrument.objects.order_by().values_list("profit_currency", flat=True).distinct()
    known = [(source, market.rate(source, currency)) for source in sources]
    return Case(
        *(When(profit_currency=source, then=Value(rate)) for source, rate in known if rate is not None),
        default=None,
        output_field=ExactDecimalField(),
    )


def _conversions() -> Market:
    """The market with nothing but what converts amounts."""
    return desk_open(hot_cursor(), [], lock=False).market


def _of_instrument(field: str) -> Subquery:
    return Subquery(Instrument.objects.filter(pk=OuterRef("instrument_id")).values(field)[:1])


def _of_quote(field: str) -> Subquery:
    return Subquery(Quote.objects.filter(pk=OuterRef("instrument_id")).values(field)[:1])


def trade_type(kind: int, *, deleted_too: bool) -> Q:
    """The rows of a `tradeType` of the contract: 1 open, 2 closed, 3 pending, 4 finance, 0 all of these.

    Deleted pending orders only when they are asked for by state.
    """
    market, finance = Q(cmd__in=MARKET_CMDS), Q(cmd__in=BALANCE_CMDS)
    opened = market & Q(state=TradeState.OPEN)
    closed = market & Q(state__in=(TradeState.CLOSED, TradeState.CLOSED_PART))
    pending = ~market & ~finance
    if not deleted_too:
        pending &= ~Q(state=TradeState.DELETED)
    return {0: opened | closed | pending | finance, 1: opened, 2: closed, 3: pending, 4: finance}[kind]


def wire_picture(account: TradingAccount) -> dict[str, Any]:
    """An account's money as the contract tells it (needs `group` loaded)."""
    now = account_picture(account.pk)
    return {
        "login": account.login,
        "balance": now.balance,
        "credit": now.credit,
        "equity": now.equity,
        "profit": now.profit,
        "margin": now.margin,
        "margin_free": now.margin_free,
        "margin_level": now.margin_level,
        "currency": account.currency,
        "leverage": account.leverage,
        "group": account.group.name,
        "account_mode": account.group.account_mode,
        "locks": [],
    }
