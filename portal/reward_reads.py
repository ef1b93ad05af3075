"""Rewards as pages show them: paid by the shown accounts, or earned by them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import F, Min, Q, QuerySet, Sum
from django.utils.functional import Promise

from copytrade.domain.rewards_terms import RewardType
from core.rounding import ZERO
from portal import formats
from portal.http import Viewer
from portal.reads import Total, totals
from portal.words import FEE_TYPES
from portal.words_rewards import BASES, EARNED_REASONS, PAID_REASONS, TRIED_AGAIN
from rewards.models import AccrualState, RewardAccrual
from rewards.selectors import rewards
from rewards.services.settling import PATIENCE

PAID: Final = "paid"
EARNED: Final = "earned"
WAITING: Final = (AccrualState.ACCRUED, AccrualState.SETTLING)
STATES: Final[dict[str, tuple[int, ...]]] = {
    "open": (*WAITING, AccrualState.FAILED),
    "settled": (AccrualState.SETTLED,),
    "failed": (AccrualState.FAILED,),
}
"""What the list can be narrowed to."""


def rewards_shown(viewer: Viewer, side: str, state: str = "") -> QuerySet[RewardAccrual]:
    """What the shown accounts were charged, or what they earned; the newest first."""
    shown = viewer.shown
    own = Q(follower__in=shown) if side == PAID else Q(leader__in=shown) | Q(payout_account__in=shown)
    found = rewards(viewer.actor).select_related("terms__master", "subscription").filter(own)
    if state in STATES:
        found = found.filter(state__in=STATES[state])
    return found.order_by("-created_at", "-pk")


@dataclass(frozen=True, slots=True)
class RewardRow:
    """A reward for one of its two sides."""

    reward: RewardAccrual
    side: str

    @property
    def kind(self) -> Promise:
        return FEE_TYPES[RewardType(self.reward.reward_type)]

    @property
    def number(self) -> str:
        return str(self.reward.pk)

    @property
    def name(self) -> str:
        """The strategy's."""
        return str(self.reward.terms.master.strategy_name)

    @property
    def base(self) -> str:
        """The amount that the fee is taken of, with its unit."""
        reward = self.reward
        if reward.refund_of is not None:
            return f"{formats.money(reward.base_amount, reward.currency)} {reward.currency}"
        if reward.reward_type == RewardType.VOLUME_REBATE:
            return formats.lots(reward.base_amount)
        currency = reward.terms.currency if reward.reward_type == RewardType.SUBSCRIPTION_FEE else reward.currency
        return f"{formats.money(reward.base_amount, currency)} {currency}"

    @property
    def base_words(self) -> Promise:
        return BASES[self.reward.reward_type]

    @property
    def amount(self) -> Decimal:
        """What left the account of the one side, or reached that of the other; less than 0 when it was given back."""
        reward = self.reward
        if self.side == EARNED and reward.payout_amount is not None:
            return reward.payout_amount
        return reward.fee_amount

    @property
    def currency(self) -> str:
        reward = self.reward
        return reward.payout_currency if self.side == EARNED and reward.payout_amount is not None else reward.currency

    @property
    def differs(self) -> bool:
        """Whether something else was charged than reached this side: another currency, or less."""
        return (self.amount, self.currency) != (self.reward.fee_amount, self.reward.currency)

    @property
    def order(self) -> int | None:
        """The balance operation on this side's account."""
        return self.reward.charge_order if self.side == PAID else self.reward.payout_order

    @property
    def why(self) -> str:
        """Why it is not paid and what can be done now, in sentences; "" where there is nothing to say."""
        reward = self.reward
        if not reward.failure_reason:
            return ""
        given_back = reward.refund_of_id is not None
        # Of what is given back the payout account pays.
        pays = (self.side == PAID) != given_back
        sentence = (PAID_REASONS if pays else EARNED_REASONS).get(reward.failure_reason)
        account = reward.payout_account if given_back else reward.follower
        told = str(sentence) % {"login": account.login} if sentence else ""
        return f"{told} {TRIED_AGAIN}" if reward.state == AccrualState.FAILED else told

    @property
    def paused_at(self) -> datetime | None:
        """When copying is paused unless the charge is paid before."""
        reward = self.reward
        if reward.state != AccrualState.FAILED or reward.first_failed_at is None or reward.refund_of_id is not None:
            return None
        return reward.first_failed_at + PATIENCE

    def exported(self) -> list[Any]:
        """The values of `COLUMNS`."""
        reward = self.reward
        return [
            reward.pk, reward.created_at, self.name, reward.leader.login, reward.follower.login,
            reward.payout_account.login, RewardType(reward.reward_type).name, reward.period_from, reward.period_to,
            reward.source_order, reward.base_amount, reward.fee_amount, reward.currency, reward.payout_amount,
            reward.payout_currency, AccrualState(reward.state).name, reward.failure_reason, reward.charge_order,
            reward.payout_order,
        ]  # fmt: skip


COLUMNS: Final = (
    "id", "created_at", "strategy_name", "master_login", "follower_login", "payout_account_login", "reward_type",
    "period_from", "period_to", "source_order", "base_amount", "fee_amount", "currency", "payout_amount",
    "payout_currency", "state", "failure_reason", "charge_order", "payout_order",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sums:
    """What came together, by currency."""

    settled: list[Total]
    given_back: list[Total]
    waiting: list[Total]
    failed: list[Total]


def sums_of(found: QuerySet[RewardAccrual], side: str) -> Sums:
    """The sums of all of these rewards, one query."""
    amount, currency = ("payout_amount", "payout_currency") if side == EARNED else ("fee_amount", "currency")
    groups: list[Any] = list(
        found.order_by()
        .values("state", "currency", "payout_currency", back=Q(refund_of__isnull=False))
        .annotate(fee=Sum("fee_amount"), booked=Sum(amount))
        .order_by("currency", "payout_currency")
    )
    settled = [group for group in groups if group["state"] == AccrualState.SETTLED]
    return Sums(
        settled=totals((group[currency], group["booked"]) for group in settled if not group["back"]),
        given_back=totals((group[currency], -group["booked"]) for group in settled if group["back"]),
        waiting=totals((group["currency"], group["fee"]) for group in groups if group["state"] in WAITING),
        failed=totals((group["currency"], group["fee"]) for group in groups if group["state"] == AccrualState.FAILED),
    )


@dataclass(frozen=True, slots=True)
class Fees:
    """What a subscription has cost so far, and what it owes; in the follower's currency."""

    paid: Decimal = ZERO
    owed: Decimal = ZERO
    since: datetime | None = None

    @property
    def paused_at(self) -> datetime | None:
        """When copying is paused unless what is owed is paid before."""
        return None if self.since is None else self.since + PATIENCE


def fees_of(subscription_ids: Collection[int]) -> dict[int, Fees]:
    """The fees of these subscriptions, one query; absent where there are none."""
    settled, failed = Q(state=AccrualState.SETTLED), Q(state=AccrualState.FAILED, fee_amount__gt=0)
    found = (
        RewardAccrual.objects.filter(settled | failed, subscription_id__in=list(subscription_ids))
        .order_by()
        .values("subscription_id")
        .annotate(
            paid=Sum("fee_amount", filter=settled),
            owed=Sum("fee_amount", filter=failed),
            since=Min("first_failed_at", filter=failed),
        )
    )
    return {g["subscription_id"]: Fees(g["paid"] or ZERO, g["owed"] or ZERO, g["since"]) for g in found}


def earned_by(master_ids: Iterable[int]) -> dict[int, list[Total]]:
    """What was paid out for each of these masters so far, by currency; one query."""
    settled = RewardAccrual.objects.filter(terms__master_id__in=list(master_ids), state=AccrualState.SETTLED)
    groups: Sequence[Any] = list(
        settled.order_by()
        .values("payout_currency", master=F("terms__master_id"))
        .annotate(earned=Sum("payout_amount"))
        .order_by("payout_currency")
    )
    found: dict[int, list[Total]] = {}
    for group in groups:
        found.setdefault(group["master"], []).append(Total(group["payout_currency"], group["earned"]))
    return found
