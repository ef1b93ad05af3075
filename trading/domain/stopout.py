"""Stop-out: positions are closed, the worst first, until the account's margin level is above its group's.

Pure, as `execution` is. A balance that is below zero afterwards (the market jumped) is left as it is: the account owes it
until a dealer books it off.
"""

from datetime import datetime
from typing import Final

from core.rounding import ZERO
from core.states import Origin, Reason
from trading.domain.execution import close_market
from trading.domain.filling import Instruction
from trading.domain.valuation import floating_profit, picture
from trading.domain.values import AccountState, Journal, Market, Refused, Ticket

SO_MARK: Final = "[so]"


def stop_out_stands(account: AccountState, market: Market) -> bool:
    """Whether the margin level is at or below the stop-out level. False while a position cannot be priced."""
    now = picture(account, market)
    return now.complete and now.margin > 0 and now.margin_level <= account.stop_out


def stop_out_carry_out(journal: Journal, market: Market, account: AccountState, at: datetime) -> None:
    """Closes the position with the largest floating loss, and again, until the level is above stop-out or nothing is left.

    What cannot be closed now (no usable quote) stays and is tried again the next time.
    """
    how = Instruction(Origin.RISK, at, Reason.RISK)
    closable = list(account.tickets)
    while closable and stop_out_stands(account, market):
        worst = min(closable, key=lambda ticket: _place(account, market, ticket))
        closable.remove(worst)
        outcome = close_market(journal, market, account, worst, None, how, mark=SO_MARK)
        assert isinstance(outcome, Refused) or worst not in account.tickets


def _place(account: AccountState, market: Market, ticket: Ticket) -> tuple[object, ...]:
    floating = floating_profit(account, market, ticket)
    return (ZERO if floating is None else floating, ticket.open_at, ticket.id or 0)
