"""Writes what a walk charged: accruals by frozen terms, and what is given back of what was prepaid."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from copytrade.domain.reward_charges import charge, unused_part, unused_share
from copytrade.domain.rewards_terms import RewardType
from copytrade.services.rewards import stored_terms
from core.rounding import stored
from infra.bulk import update_objects
from rewards.domain.pairs import POLICY_DISABLED, Charge, Pair, Walked
from rewards.models import AccrualState, RewardAccrual, RewardAgreement, TermsVersion

MASTER_STOPPED = "MASTER_STOPPED"

Walk = tuple[RewardAgreement, Pair, Walked, int]
"""A pair, what came of its walk, and the subscription that it is about."""


def charges_write(walks: Sequence[Walk], at: datetime) -> dict[int, int]:
    """Writes the accruals of these walks; gives, by closed copy, the accrual that it is in."""
    charges = [(agreement, charge, number) for agreement, _pair, walked, number in walks for charge in walked.charges]
    if not charges:
        return {}
    payouts = _payout_accounts({made.agreed.id for _agreement, made, _number in charges})
    growing = _growing([agreement.pk for agreement, made, _number in charges if _is_management(made)])
    fresh: list[tuple[RewardAccrual, Charge]] = []
    grown: list[RewardAccrual] = []
    for agreement, made, number in charges:
        row = growing.get((agreement.pk, made.number))
        if row is not None:
            grown.append(row)
        elif made.reason == POLICY_DISABLED:
            continue
        else:
            row = _new_row(agreement, made, number, payouts, at)
            fresh.append((row, made))
        row.base_amount, row.fee_amount, row.period_to, row.updated_at = made.base, made.fee, made.end, at
        row.state = AccrualState.CANCELLED if made.reason else AccrualState.ACCRUED
        row.failure_reason = made.reason
        row.next_try_at = None if made.reason or made.growing else at
    RewardAccrual.objects.bulk_create([row for row, _made in fresh])
    update_objects(
        grown, ["base_amount", "fee_amount", "period_to", "updated_at", "state", "failure_reason", "next_try_at"]
    )
    return {trade: row.pk for row, made in fresh for trade in made.trades}


def given_back(walks: Sequence[Walk], at: datetime) -> None:
    """Gives back what was prepaid to masters who stopped.

    A charge that is settled is followed by one the other way; one that is not is cancelled, and only the time that was
    used is charged.
    """
    stops = {
        agreement.pk: (pair, walked.back_from)
        for agreement, pair, walked, _number in walks
        if walked.back_from is not None
    }
    if not stops:
        return
    prepaid = RewardAccrual.objects.filter(agreement_id__in=list(stops), reward_type=RewardType.SUBSCRIPTION_FEE)
    newest = prepaid.filter(refund_of__isnull=True).order_by("agreement_id", "-period_number").distinct("agreement_id")
    locked = RewardAccrual.objects.select_for_update(no_key=True, of=("self",)).select_related("terms")
    fresh, cancelled = [], []
    for row in locked.filter(pk__in=list(newest.values_list("pk", flat=True))).order_by("pk"):
        pair, stop = stops[row.agreement_id]
        if stop is None or row.period_from is None or row.period_to is None or row.state == AccrualState.CANCELLED:
            continue
        if row.state == AccrualState.SETTLED:
            back = unused_part(row.fee_amount, row.period_from, row.period_to, stop, row.currency)
            if back:
                fresh.append(_copy_of(row, at, refund_of=row, begin=stop, base=row.fee_amount, fee=-back))
            continue
        row.state, row.failure_reason, row.next_try_at = AccrualState.CANCELLED, MASTER_STOPPED, None
        row.updated_at = at
        cancelled.append(row)
        used = stored(row.base_amount * (1 - unused_share(row.period_from, row.period_to, stop)))
        fee, _marks = charge(stored_terms(row.terms), used, row.currency, rate=row.rate)
        if fee:
            fresh.append(_copy_of(row, at, number=pair.period_number, end=stop, base=used, fee=fee, rate=row.rate))
    update_objects(cancelled, ["state", "failure_reason", "next_try_at", "updated_at"])
    RewardAccrual.objects.bulk_create(fresh)


def _is_management(made: Charge) -> bool:
    return made.agreed.terms.reward_type is RewardType.MANAGEMENT_FEE


def _growing(agreement_ids: Collection[int]) -> dict[tuple[int, int | None], RewardAccrual]:
    """The rows of running periods of management fees, by pair and period."""
    rows = RewardAccrual.objects.filter(
        agreement_id__in=list(agreement_ids),
        reward_type=RewardType.MANAGEMENT_FEE,
        state=AccrualState.ACCRUED,
        next_try_at__isnull=True,
    )
    return {(row.agreement_id, row.period_number): row for row in rows} if agreement_ids else {}


def _payout_accounts(version_ids: Collection[int]) -> dict[int, int]:
    return dict(TermsVersion.objects.filter(pk__in=list(version_ids)).values_list("pk", "payout_account_id"))


def _new_row(
    agreement: RewardAgreement, made: Charge, subscription_id: int, payouts: dict[int, int], at: datetime
) -> RewardAccrual:
    before = made.before
    return RewardAccrual(
        tenant_id=agreement.tenant_id,
        agreement_id=agreement.pk,
        subscription_id=subscription_id,
        leader_id=agreement.leader_id,
        follower_id=agreement.follower_id,
        payout_account_id=payouts[made.agreed.id],
        terms_id=made.agreed.id,
        reward_type=made.agreed.terms.reward_type.value,
        source_order=made.record,
        period_number=made.number,
        period_from=made.begin,
        currency=agreement.follower.currency,
        rate=made.rate,
        result_before=None if before is None else before.result,
        paid_before=None if before is None else before.paid,
        mark_before=None if before is None else before.mark,
        created_at=at,
    )


def _copy_of(
    row: RewardAccrual,
    at: datetime,
    *,
    base: Decimal,
    fee: Decimal,
    rate: Decimal = Decimal(1),
    refund_of: RewardAccrual | None = None,
    number: int | None = None,
    begin: datetime | None = None,
    end: datetime | None = None,
) -> RewardAccrual:
    """Another charge between the same accounts by the same terms."""
    return RewardAccrual(
        tenant_id=row.tenant_id,
        agreement_id=row.agreement_id,
        subscription_id=row.subscription_id,
        leader_id=row.leader_id,
        follower_id=row.follower_id,
        payout_account_id=row.payout_account_id,
        terms_id=row.terms_id,
        reward_type=row.reward_type,
        refund_of=refund_of,
        period_number=number,
        period_from=begin or row.period_from,
        period_to=end or row.period_to,
        base_amount=base,
        fee_amount=fee,
        currency=row.currency,
        rate=rate,
        next_try_at=at,
        created_at=at,
        updated_at=at,
    )
