"""Which account a trade command goes to, and whether the actor may trade for it (section 3 of the contract).

Whether the account and its owner are enabled is not looked at here: that is checked under the account's lock.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.errors import DomainError, forbidden, not_found
from infra.actor import DEALING_SESSIONS, Actor
from infra.bulk import hot_cursor

_BY_LOGIN = b"SELECT id, login, customer_id FROM accounts_tradingaccount WHERE login = %s"
_BY_ORDER = b"""
SELECT a.id, a.login, a.customer_id
FROM trading_trade t JOIN accounts_tradingaccount a ON a.id = t.account_id WHERE t.id = %s
"""


@dataclass(frozen=True, slots=True)
class TradableAccount:
    """An account that the actor may trade for. Its login and owner never change, so a session may keep it."""

    id: int
    login: int


def account_for_login(actor: Actor, login: int) -> TradableAccount:
    """The account with this login. 403 `PERMISSION_DENIED` when it is not the actor's (staff: 404)."""
    return _permitted(actor, _BY_LOGIN, login)


def account_for_order(actor: Actor, order: int) -> TradableAccount:
    """The account that a ticket belongs to. 403 `PERMISSION_DENIED` when it is not the actor's (staff: 404)."""
    return _permitted(actor, _BY_ORDER, order)


def _permitted(actor: Actor, statement: bytes, number: int) -> TradableAccount:
    # Another tenant's rows are not seen at all, by row level security.
    row: tuple[Any, ...] | None = hot_cursor().execute(statement, [number], prepare=True).fetchone()
    if actor.session_type in DEALING_SESSIONS:
        if row is None:
            raise not_found(_("There is no such account or order."))
    elif row is None or row[2] != actor.user_id or not (actor.is_customer or _is_own(actor, row[0])):
        raise denied()
    return TradableAccount(row[0], row[1])


def denied() -> DomainError:
    """403 for an account or order that the actor may not trade."""
    return forbidden("PERMISSION_DENIED", _("This account or order is not yours to trade."))


def _is_own(actor: Actor, account_id: int) -> bool:
    return actor.is_account and actor.account_id == account_id
