"""The demo's present: the leaders go on trading, so that a newcomer sees copies arrive.

A market step (`trading.ports.market_steps`) for the market process. Nothing is remembered but when the next trade is
due: what a leader does follows from its account as it is in the database, the simulated prices so far, and dice thrown
for the instant. Whatever goes wrong here is logged and never stops the market.
"""

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from accounts import directory
from accounts.models import TradingAccount
from config.demo.cast import HOUSES
from config.demo.roles import House, Master
from config.demo.stage import LOT_STEPS, PROFILES, bar_of
from config.demo.styles import Close, Open, Signal, Style
from core.money import round_money
from core.rounding import ONE, ZERO, floor_to_step
from core.states import CopyRole, Side
from infra.bulk import hot_cursor
from infra.tenancy import tenant_scope
from trading.domain.valuation import picture
from trading.domain.values import AccountState
from trading.services.balance import balance_operate
from trading.services.desk import desk_open
from trading.services.orders import order_close, order_open

logger = logging.getLogger(__name__)

FIRST_AFTER: Final = timedelta(seconds=1)
PAUSE_MS: Final = (3_000, 7_000)
"""Between two actions of one tenant's leaders, 5 s on average."""
REST_AFTER_FAILURE: Final = timedelta(seconds=30)
TICKETS_MOST: Final = 4
LOOK_BACK: Final = timedelta(minutes=10)
SMALLER: Final = Decimal("0.1")
"""Thousands of trades a day pay thousands of spreads: lots are a tenth of those of the past."""
POOR: Final = Decimal("0.4")
"""Below this share of its first deposit a leader pays in again."""

_HOUSES: Final[dict[str, House]] = {house.slug: house for house in HOUSES}


class DemoTrading:
    """Callable as a market step: (tenant, instant)."""

    def __init__(self) -> None:
        self._due: dict[int, datetime] = {}

    def __call__(self, tenant_id: int, at: datetime) -> None:
        """Lets one leader of a demo tenant act, when it is time; other tenants are left alone."""
        due = self._due.setdefault(tenant_id, at + FIRST_AFTER)
        if at < due:
            return
        dice = Random(f"{tenant_id}:{at.isoformat()}")
        self._due[tenant_id] = at + timedelta(milliseconds=dice.randint(*PAUSE_MS))
        try:
            tenant = directory.tenant_of_id(tenant_id)
            house = None if tenant is None else _HOUSES.get(tenant.slug)
            if house is not None:
                _act(tenant_id, house, dice, at)
        except Exception:
            logger.exception("the demo's leaders of tenant %s rest after a failure", tenant_id)
            self._due[tenant_id] = at + REST_AFTER_FAILURE


def _act(tenant_id: int, house: House, dice: Random, at: datetime) -> None:
    master = dice.choices(house.masters, [one.pace for one in house.masters])[0]
    with tenant_scope(tenant_id):
        cursor = hot_cursor()
        # Somebody else's long transaction on this account must not make the market wait.
        cursor.execute(b"SET LOCAL lock_timeout = '200ms'")
        account_id = _account_id(house, master)
        if account_id is None:
            return
        desk = desk_open(cursor, [account_id], master.style.symbols, lock=False)
        account = desk.accounts[account_id]
        missing = _missing_money(house, master, account, picture(account, desk.market).equity)
        if missing:
            balance_operate(account_id=account_id, amount=missing, comment="Bank transfer", at=at)
            return
        what = decide(master.style, account, dice, at)
        if isinstance(what, Open):
            order_open(account_id=account_id, symbol=what.symbol, side=what.side, volume=what.volume, at=at)
        else:
            order_close(account_id=account_id, trade_id=what.ticket, volume=what.volume, at=at)


def decide(style: Style, account: AccountState, dice: Random, at: datetime) -> Open | Close:
    """Opens and closes hold each other in balance; whoever has `TICKETS_MOST` closes the oldest.

    A refusal (the market may have moved on since the account was read) is as good an answer as any.
    """
    held = _burden(style, account)
    if dice.randrange(TICKETS_MOST) >= held:
        symbol = dice.choice(style.symbols)
        return Open(symbol, _side(style, account, symbol, at), _lots(style, symbol, dice))
    oldest = account.tickets[0]
    half = floor_to_step(oldest.volume / 2, oldest.spec.lot_step)
    return Close(oldest.number, half if half > ZERO and not dice.randrange(4) else None)


def _burden(style: Style, account: AccountState) -> int:
    """How many entries are open: tickets, or on NETTING accounts what the positions were added up from."""
    if not account.netting:
        return len(account.tickets)
    return sum(max(int(ticket.volume / _smallest(style, ticket.spec.symbol)), 1) for ticket in account.tickets)


def _side(style: Style, account: AccountState, symbol: str, at: datetime) -> Side:
    """By the style's signal over the last minutes; a netting position is only added to."""
    if account.netting:
        for ticket in account.tickets:
            if ticket.spec.symbol == symbol:
                return ticket.side
    profile = PROFILES[symbol]
    up = bar_of(profile, at) > bar_of(profile, at - LOOK_BACK)
    return Side.BUY if up is (style.signal is Signal.TREND) else Side.SELL


def _lots(style: Style, symbol: str, dice: Random) -> Decimal:
    return _live_lots(symbol, Decimal(dice.choice(style.lots[symbol])))


def _smallest(style: Style, symbol: str) -> Decimal:
    """The smallest entry of a style; one lot for a contract that is none of its own."""
    return min((_live_lots(symbol, Decimal(lots)) for lots in style.lots.get(symbol, ())), default=ONE)


def _live_lots(symbol: str, lots: Decimal) -> Decimal:
    """A tenth, where the contract can be traded in parts of a lot."""
    step = LOT_STEPS[symbol]
    return lots if step >= ONE else max(floor_to_step(lots * SMALLER, step), step)


def _account_id(house: House, master: Master) -> int | None:
    """The master's account, found by its place among its owner's; None when it leads no more."""
    name = next(account.person for account in house.accounts if account.key == master.account)
    keys = [account.key for account in house.accounts if account.person == name]
    found = TradingAccount.objects.filter(customer__email=f"{name}@{house.domain}").order_by("pk")
    rows = list(found.values_list("pk", "copy_role")[: len(keys)])
    if len(rows) < len(keys):
        return None
    number, role = rows[keys.index(master.account)]
    return number if role == CopyRole.LEADER else None


def _missing_money(house: House, master: Master, account: AccountState, equity: Decimal) -> Decimal:
    """What a leader that has lost too much pays in, 0 for one that has not."""
    first = next(Decimal(one.deposit) for one in house.accounts if one.key == master.account)
    return round_money(first - equity, account.currency) if equity < first * POOR else ZERO


demo_step = DemoTrading()
