"""A master's life (D21): whether an account may begin one, where it stands, and the record of every change."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.models import MasterApproval, ProductConfig, TradingAccount
from copytrade.domain.limits import LIMITS
from copytrade.domain.qualification import Qualification, shortfalls
from copytrade.models import CopyMaster, MasterChange, MasterChangeKind, MasterStatus
from copytrade.ports import profiles_tell
from copytrade.selectors_masters import account_qualification
from core.errors import forbidden
from core.rounding import plain
from infra.actor import Actor

OWNER_FIELDS: Final = (
    "enabled", "strategy_name", "description", "visibility", "allowed_follower_modes", "show_trade_history",
    "show_followers", "max_followers", *(f"bound_{name}" for name in LIMITS),
)  # fmt: skip
"""What the owner decides; `status` is the staff's."""

_TAKEN_AWAY: Final = frozenset({MasterStatus.PAUSED, MasterStatus.INACTIVE, MasterStatus.REJECTED})


def master_qualify(account: TradingAccount, config: ProductConfig, *, at: datetime) -> None:
    """403 `MASTER_NOT_QUALIFIED` with the `rules` that the account does not meet, each with `required` and `actual`."""
    asked = Qualification(
        config.master_min_account_days, config.master_min_closed_trades, plain(config.master_min_equity)
    )
    if not asked.asks_anything:
        return
    if missing := shortfalls(asked, account_qualification(account, at=at)):
        rules = [{"rule": one.rule, "required": one.required, "actual": one.actual} for one in missing]
        raise forbidden("MASTER_NOT_QUALIFIED", _("This account does not qualify for a master's yet."), rules=rules)


def master_first_status(account: TradingAccount, config: ProductConfig) -> MasterStatus:
    """Where a new profile begins: ACTIVE, or PENDING where staff decide.

    Staff also decide where they took away what the account's last profile had: nobody gets out of a pause or a rejection
    by ending the profile and beginning a new one.
    """
    if config.master_approval == MasterApproval.MANUAL:
        return MasterStatus.PENDING
    last = CopyMaster.objects.filter(account_id=account.pk, ended_at__isnull=False).order_by("-pk").first()
    return MasterStatus.PENDING if last is not None and last.status in _TAKEN_AWAY else MasterStatus.ACTIVE


def settings_of(master: CopyMaster) -> dict[str, Any]:
    """What the owner decides, by the contract's names."""
    return {field: getattr(master, field) for field in OWNER_FIELDS}


def change_record(
    master: CopyMaster,
    kind: MasterChangeKind,
    *,
    actor: Actor | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    at: datetime,
    reason: str = "",
) -> None:
    """Writes what differs between `before` and `after`, and tells who listens; nothing when they are the same.

    The profile has been written by then.
    """
    names = [name for name in {**before, **after} if _stable(before.get(name)) != _stable(after.get(name))]
    if not names:
        return
    MasterChange.objects.create(
        tenant_id=master.tenant_id,
        master=master,
        kind=kind,
        by_id=None if actor is None else actor.user_id,
        by_session="" if actor is None else actor.session_type,
        reason=reason,
        before=_text({name: before[name] for name in names if name in before}),
        after=_text({name: after[name] for name in names if name in after}),
        at=at,
    )
    profiles_tell([master.pk])


def _stable(value: Any) -> Any:
    """A value as it is written: a number read from the database and the same one from a request are alike."""
    if isinstance(value, Mapping):
        return {name: _stable(one) for name, one in value.items()}
    return str(plain(value)) if isinstance(value, Decimal) else value


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(_stable(values), ensure_ascii=False)
