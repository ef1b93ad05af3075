"""A follower's profile: the copy settings of a customer's account. Ended, never deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from accounts.selectors import account_named
from copytrade.models import CopyFollower, CopySubscription
from copytrade.services.resting import resting_review
from copytrade.services.roles import accounts_lock, role_release, role_take
from core.errors import conflict, not_found
from core.states import CopyRole, ManualTradingMode
from infra.actor import Actor

OWNER_FIELDS: Final = ("enabled", "max_master_count")
"""What is stored on the profile; `manual_trading_mode` is stored on the account, where every order looks."""


def follower_create(*, actor: Actor, login: int, settings: Mapping[str, Any], at: datetime) -> CopyFollower:
    """A new profile; its account becomes a follower.

    `settings` has values for `OWNER_FIELDS` and `manual_trading_mode`. 400 `ACCOUNT_NOT_FOUND`, 403 `INVALID_ACCOUNT`,
    403 `CIRCULAR_COPY`, 409 `RET_DUPLICATE_RECORD`.
    """
    account = account_named(actor, login)
    locked = accounts_lock([account.pk])[account.pk]
    role_take(locked, CopyRole.FOLLOWER)
    if CopyFollower.objects.filter(account_id=account.pk, ended_at__isnull=True).exists():
        raise conflict("RET_DUPLICATE_RECORD", _("This account has a follower profile already."))
    follower = CopyFollower.objects.create(
        tenant_id=locked.tenant_id,
        account=locked,
        customer_id=locked.customer_id,
        created_at=at,
        updated_at=at,
        **{field: settings[field] for field in OWNER_FIELDS if field in settings},
    )
    _set_manual_trading(locked, settings.get("manual_trading_mode", ManualTradingMode.ALLOW_ALL))
    return follower


def follower_update(*, follower_id: int, settings: Mapping[str, Any], at: datetime) -> CopyFollower:
    """Changes what is given, and nothing else. 404 for a profile that has ended.

    A `max_master_count` below what is copied now ends nothing; it keeps further masters out.
    """
    follower = _lock_living(follower_id)
    for field in OWNER_FIELDS:
        if field in settings:
            setattr(follower, field, settings[field])
    if "manual_trading_mode" in settings:
        _set_manual_trading(follower.account, settings["manual_trading_mode"])
    follower.updated_at = at
    follower.save(update_fields=[*OWNER_FIELDS, "updated_at"])
    resting_review([follower.account_id], at=at)
    return follower


def follower_end(*, follower_id: int, at: datetime) -> None:
    """Ends a profile that copies nobody any more. 409 `HAS_SUBSCRIPTIONS`, 404 for a profile that has ended.

    The manual trading mode goes back to 2: without a profile nobody could change it any more.
    """
    follower = _lock_living(follower_id)
    copying = CopySubscription.objects.filter(follower_id=follower.account_id, master__isnull=False)
    if copying.filter(ended_at__isnull=True).exists():
        raise conflict("HAS_SUBSCRIPTIONS", _("End the subscriptions of this account first."))
    follower.ended_at = follower.updated_at = at
    follower.save(update_fields=["ended_at", "updated_at"])
    _set_manual_trading(follower.account, ManualTradingMode.ALLOW_ALL)
    role_release(follower.account_id)


def _lock_living(follower_id: int) -> CopyFollower:
    """The living profile with its account, under the account's lock."""
    accounts_lock([_living(follower_id).account_id])
    return _living(follower_id)


def _living(follower_id: int) -> CopyFollower:
    follower = CopyFollower.objects.select_related("account").filter(pk=follower_id, ended_at__isnull=True).first()
    if follower is None:
        raise not_found(_("There is no such follower."))
    return follower


def _set_manual_trading(account: TradingAccount, mode: int) -> None:
    if account.manual_trading_mode != mode:
        account.manual_trading_mode = mode
        TradingAccount.objects.filter(pk=account.pk).update(manual_trading_mode=mode)
