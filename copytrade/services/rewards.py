"""The terms that belong to a master's profile: checked against the table of types, stored beside the profile."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import TradingAccount
from copytrade.domain.rewards_terms import (
    BillingPeriod,
    HwmConvention,
    RewardTerms,
    RewardType,
    TermsProblem,
    fields_of_type,
    terms_problem,
)
from copytrade.models import CopyMaster, RewardPolicy
from core.errors import DomainError, Kind, forbidden
from core.rounding import plain

_SENTENCES: Final = {
    TermsProblem.NOT_OF_THIS_TYPE: gettext_lazy("does not belong to this reward type"),
    TermsProblem.PERIOD: gettext_lazy("is not possible for this reward type"),
    TermsProblem.NOT_POSITIVE: gettext_lazy("must be above 0 for this reward type"),
    TermsProblem.TOO_HIGH: gettext_lazy("is too high for this reward type"),
    TermsProblem.DAY_COUNT: gettext_lazy("must be 365 or 252"),
}

TERMS_FIELDS: Final = (
    "reward_type", "enabled", "billing_period", "fee_amount", "fee_percent", "currency", "hwm_enabled",
    "hwm_convention", "day_count",
)  # fmt: skip


class StoredTerms(Protocol):
    """A row with terms: a master's policy, or a version of it that was agreed to."""

    reward_type: int
    enabled: bool
    billing_period: str
    fee_amount: Decimal
    fee_percent: Decimal
    currency: str
    payout_account: TradingAccount
    hwm_enabled: bool
    hwm_convention: str
    day_count: int


def terms_of(policy: RewardPolicy) -> dict[str, Any]:
    """A master's terms by the contract's names (needs `payout_account` loaded)."""
    values = {field: getattr(policy, field) for field in TERMS_FIELDS}
    return {**values, "payout_account_login": policy.payout_account.login}


def stored_terms(row: StoredTerms) -> RewardTerms:
    """Terms as a decision reads them, from a row that has them by the contract's names."""
    return RewardTerms(
        reward_type=RewardType(row.reward_type),
        billing_period=BillingPeriod(row.billing_period),
        fee_amount=plain(Decimal(row.fee_amount)),
        fee_percent=plain(Decimal(row.fee_percent)),
        hwm_enabled=row.hwm_enabled,
        hwm_convention=HwmConvention(row.hwm_convention),
        day_count=row.day_count,
    )


def reward_policy_build(*, master: CopyMaster, account: TradingAccount, values: Mapping[str, Any]) -> RewardPolicy:
    """A new policy from what was sent, checked and not stored. Missing values take the contract's defaults.

    `values` has the keys of the wire's RewardPolicy, already of their types. 400 `INVALID_REWARD_POLICY`, 403
    `INVALID_PAYOUT_ACCOUNT`.
    """
    policy = RewardPolicy(
        tenant_id=account.tenant_id,
        master=master,
        reward_type=values["reward_type"],
        currency=account.currency,
        payout_account=account,
        hwm_enabled=values["reward_type"] == RewardType.PERFORMANCE_FEE_HWM,
    )
    _apply(policy, values, customer_id=account.customer_id)
    return policy


def reward_policy_change(policy: RewardPolicy, values: Mapping[str, Any], *, customer_id: int) -> None:
    """Changes and checks a policy without storing it.

    With another reward type, what the new type does not use falls back to its default unless it is sent along.
    """
    new_type = values.get("reward_type", policy.reward_type)
    if new_type != policy.reward_type:
        defaults = RewardTerms(RewardType(new_type))
        for field in {"billing_period", "fee_amount", "fee_percent"} - fields_of_type(RewardType(new_type)):
            setattr(policy, field, getattr(defaults, field))
        policy.hwm_enabled = new_type == RewardType.PERFORMANCE_FEE_HWM
    _apply(policy, values, customer_id=customer_id)


def _apply(policy: RewardPolicy, values: Mapping[str, Any], *, customer_id: int) -> None:
    for field in TERMS_FIELDS:
        if field in values:
            setattr(policy, field, values[field])
    if (found := terms_problem(stored_terms(policy))) is not None:
        field, problem = found
        raise DomainError(Kind.INVALID, "INVALID_REWARD_POLICY", f"{field}: {_SENTENCES[problem]}", field=field)
    if "payout_account_login" in values:
        policy.payout_account = _payout_account(customer_id=customer_id, login=values["payout_account_login"])


def reward_policy_required() -> DomainError:
    """400 for a master without terms."""
    message = _("A master needs a reward policy in the same request.")
    return DomainError(Kind.INVALID, "REWARD_POLICY_REQUIRED", message, field="reward_policy")


def _payout_account(*, customer_id: int, login: int) -> TradingAccount:
    account = TradingAccount.objects.filter(login=login, customer_id=customer_id).first()
    if account is None:
        message = _("Rewards can only be paid into an account of yours; %(login)s is none.")
        raise forbidden("INVALID_PAYOUT_ACCOUNT", message % {"login": login})
    return account
