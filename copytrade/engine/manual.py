"""What a follower's owner may trade by hand beside the copies (R102, D02)."""

from typing import Any

import psycopg

from core.states import CopyRole, ManualTradingMode, Origin
from trading.domain.values import Refused
from trading.ports import Action, OrderRequest

DISABLED = Refused("MANUAL_TRADING_DISABLED")
PROTECTED = Refused("COPIED_POSITION_PROTECTED")

_TICKET_SQL = b"""
SELECT 1 FROM copytrade_tradelink WHERE follower_id = %s AND follower_trade_id = %s AND state = 0 LIMIT 1
"""
_SYMBOL_SQL = b"SELECT 1 FROM copytrade_tradelink WHERE follower_id = %s AND instrument_id = %s AND state = 0 LIMIT 1"


def manual_order_guard(cursor: psycopg.Cursor[Any], request: OrderRequest) -> Refused | None:
    """An `order_guards` port: the follower's manual trading mode, for orders by hand and nothing else.

    A resting copy may always be taken back (D30). DISABLED refuses all else, closes and changes of stops included.
    ALLOW_NON_COPIED refuses orders on a ticket that a copy owns something of, and on NETTING, where an order may join or
    reduce the position, those in a contract with a copy. Only the latter mode asks the database, with one statement,
    under the account's lock.
    """
    account = request.account
    if request.how.origin is not Origin.MANUAL or account.copy_role is not CopyRole.FOLLOWER:
        return None
    if account.manual_trading_mode == ManualTradingMode.ALLOW_ALL or _takes_copy_back(request):
        return None
    if account.manual_trading_mode == ManualTradingMode.DISABLED:
        return DISABLED
    if account.netting:
        asked = cursor.execute(_SYMBOL_SQL, [account.id, request.spec.id], prepare=True)
    elif request.ticket is not None:
        asked = cursor.execute(_TICKET_SQL, [account.id, request.ticket.id], prepare=True)
    else:
        return None
    return None if asked.fetchone() is None else PROTECTED


def _takes_copy_back(request: OrderRequest) -> bool:
    return request.action is Action.CANCEL and request.ticket is not None and request.ticket.copied
