"""Trading accounts: opened for a customer in a group, changed by staff."""

import secrets
import string
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext as _

from accounts import ports
from accounts.models import AccountGroup, LoginDirectory, Role, TradingAccount, User
from accounts.selectors import account_group_named
from accounts.services.common import checked_leverage, tenant_id
from accounts.services.sessions import sessions_revoke_for_account
from core.errors import forbidden, invalid

# No characters that look alike: people copy it from a screen.
_ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))
_PASSWORD_LENGTH = 12


@dataclass(frozen=True, slots=True)
class OpenedAccount:
    """A new account and its own sign-in password, which exists in plain text only here."""

    account: TradingAccount
    password: str


def account_open(*, customer: User, group: AccountGroup, at: datetime, leverage: int | None = None) -> OpenedAccount:
    """Opens an account with the next free login and no money. `leverage` None: the group's.

    400 for somebody who is no customer, 403 `GROUP_DISABLED`.
    """
    if customer.role != Role.CUSTOMER:
        raise invalid("customer_id", _("is not a customer"))
    if not group.enabled:
        raise forbidden("GROUP_DISABLED", _("This account group takes no new accounts."))
    password = "".join(secrets.choice(_ALPHABET) for _position in range(_PASSWORD_LENGTH))
    account = TradingAccount.objects.create(
        tenant_id=tenant_id(),
        customer=customer,
        group=group,
        password=make_password(password),
        currency=group.currency,
        leverage=group.leverage if leverage is None else checked_leverage(leverage),
        opened_at=at,
    )
    LoginDirectory.objects.create(login=account.login, tenant_id=account.tenant_id)
    for told in ports.account_opened:
        told(account=account)
    return OpenedAccount(account, password)


def account_open_by_customer(*, user_id: int, group_name: str, at: datetime) -> OpenedAccount:
    """A customer opens an account alone: 400 for an unknown group, 403 `GROUP_NOT_PUBLIC`, 403 `GROUP_DISABLED`."""
    group = account_group_named(group_name)
    if not group.public_opening:
        raise forbidden("GROUP_NOT_PUBLIC", _("This account group is not open to the public."))
    return account_open(customer=User.objects.get(pk=user_id), group=group, at=at)


def account_update(
    *,
    account_id: int,
    at: datetime,
    enabled: bool | None = None,
    group: AccountGroup | None = None,
    leverage: int | None = None,
) -> TradingAccount:
    """Changes what is not None. Disabling ends the account's own sessions.

    A new group must have the currency, account mode and position mode that the account has: open positions and roles
    rest on them.
    """
    TradingAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    account = TradingAccount.objects.select_related("group", "customer").get(pk=account_id)
    if group is not None and group.pk != account.group_id:
        _check_same_terms(account.group, group)
        account.group = group
    if leverage is not None:
        account.leverage = checked_leverage(leverage)
    if enabled is not None:
        account.enabled = enabled
    account.save(update_fields=["enabled", "group", "leverage"])
    if enabled is False:
        sessions_revoke_for_account(account_id=account.pk, at=at)
        for listener in ports.account_disabled:
            listener(account=account, at=at)
    return account


def _check_same_terms(old: AccountGroup, new: AccountGroup) -> None:
    same = (old.currency, old.account_mode, old.position_mode) == (new.currency, new.account_mode, new.position_mode)
    if not same:
        raise invalid("group", _("must have the same currency, account mode and position mode as the account's"))
    if not new.enabled:
        raise forbidden("GROUP_DISABLED", _("This account group takes no new accounts."))
