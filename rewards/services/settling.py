"""Settles charges (D25, R127 to R129): two balance operations each, booked with the charge's state in one transaction.

Accruals are claimed without waiting, then the accounts of all of them are locked in one statement by ascending id. Killed
anywhere, a charge is settled with its transfers or is still due; of two workers each charge is one's alone.
"""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from django.utils.translation import gettext as _

from accounts.selectors import product_config
from copytrade.models import CopySubscription
from copytrade.services.unpaid import PAUSED_FOR_REWARDS, unpaid_lift, unpaid_pause
from core.errors import conflict, not_found
from core.money import round_money
from core.rounding import ZERO
from infra.bulk import hot_cursor, update_objects
from infra.faults import fault
from infra.push import publish_on_commit
from infra.retry import retried_apart
from infra.tenancy import tenant_scope
from ledger.models import TransferReason
from rewards.domain.pairs import NOTHING_DUE
from rewards.domain.payout import payout_of
from rewards.models import AccrualState, RewardAccrual
from rewards.notices import reward_frames, unpaid_frames
from trading.domain.values import Refused
from trading.services.payments import Counter, Paid, Payment, counter_open

logger = logging.getLogger("rewards.settling")

AT_ONCE: Final = 25
"""Charges of one transaction: their master trades on meanwhile, and waits for his lock no longer than that takes."""
AGAIN: Final = timedelta(days=1)
PATIENCE: Final = timedelta(days=7)
"""How long a charge may stay unpaid before copying is paused."""
NO_RATE: Final = "NO_CONVERSION_RATE"

_CLAIM_SQL = b"""
SELECT id FROM rewards_rewardaccrual
WHERE tenant_id = %s AND state IN (0, 3) AND next_try_at <= %s AND id > %s
ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_FIELDS: Final = (
    "state", "failure_reason", "tries", "first_failed_at", "next_try_at", "charge_order", "payout_order",
    "payout_amount", "payout_currency", "payout_rate", "share_order", "share_percent", "share_amount", "settled_at",
    "updated_at",
)  # fmt: skip


def accruals_settle(*, tenant_id: int, at: datetime) -> int:
    """Tries every charge of the tenant that is due; gives how many were tried.

    Not enough free margin: FAILED with `RET_TRADE_NO_MONEY`, tried again every day; after seven days copying is paused
    until it is paid. A charge that cannot be tried is logged and stays due; it holds nobody up.
    """
    done, after = 0, 0
    while True:
        claimed, _none = retried_apart(partial(_chunk, tenant_id, at), after, AT_ONCE, _cannot)
        if not claimed:
            return done
        done, after = done + len(claimed), claimed[-1]


def _cannot(number: int) -> None:
    logger.exception("reward %s cannot be settled", number)


def accrual_retry(*, accrual_id: int, at: datetime) -> RewardAccrual:
    """Has a failed charge tried again at once. 404 for an unknown one, 409 `RET_TRADE_INCORRECT_STATE` for another state."""
    found = RewardAccrual.objects.select_for_update(no_key=True, of=("self",)).filter(pk=accrual_id).first()
    if found is None:
        raise not_found(_("There is no such reward."))
    if found.state != AccrualState.FAILED:
        raise conflict("RET_TRADE_INCORRECT_STATE", _("Only a reward that failed can be tried again."))
    found.next_try_at = found.updated_at = at
    found.save(update_fields=["next_try_at", "updated_at"])
    accrual: RewardAccrual = found
    return accrual


def _chunk(tenant_id: int, at: datetime, after: int, most: int, claimed: list[int]) -> None:
    with tenant_scope(tenant_id):
        rows = hot_cursor().execute(_CLAIM_SQL, [tenant_id, at, after, most], prepare=True).fetchall()
        claimed[:] = [number for (number,) in rows]
        if claimed:
            _settle(claimed, at)
            fault("rewards.settled")


def _settle(ids: Sequence[int], at: datetime) -> None:
    accounts = RewardAccrual.objects.filter(pk__in=ids).values_list("follower_id", "payout_account_id")
    counter = counter_open({number for pair in accounts for number in pair})
    related = ("follower", "leader", "payout_account", "refund_of")
    accruals = list(RewardAccrual.objects.select_related(*related).filter(pk__in=ids).order_by("pk"))
    share_percent = product_config().reward_share_percent
    paid = [(accrual, _pay(counter, accrual, share_percent, at)) for accrual in accruals]
    counter.write(at=at)
    fault("rewards.booked")
    for accrual, made in paid:
        accrual.updated_at = at
        if made is not None:
            _note_paid(accrual, made, at)
    update_objects(accruals, _FIELDS)
    failed = [a for a in accruals if a.state == AccrualState.FAILED and a.refund_of_id is None]
    overdue = [a for a in failed if a.first_failed_at is not None and a.first_failed_at + PATIENCE <= at]
    paused = unpaid_pause({accrual.subscription_id for accrual in overdue}, at=at) if overdue else []
    _lift([accrual for accrual, made in paid if made is not None], at)
    publish_on_commit(reward_frames(accruals) + unpaid_frames(failed, paused, at))


def _pay(counter: Counter, accrual: RewardAccrual, share_percent: Decimal, at: datetime) -> Paid | None:
    """Makes the payment of a charge, or notes on it why it cannot be made."""
    follower, payout = counter.account(accrual.follower_id), counter.account(accrual.payout_account_id)
    rate = counter.rate(follower.currency, payout.currency)
    if rate is None:
        _fail(accrual, NO_RATE, at)
        return None
    amount = round_money(abs(accrual.fee_amount), follower.currency)
    percent = share_percent if accrual.refund_of is None else accrual.refund_of.share_percent
    share, other = payout_of(
        amount, share_percent=percent, rate=rate, currency=follower.currency, payout_currency=payout.currency
    )
    accrual.share_percent, accrual.payout_rate, accrual.payout_currency = percent, rate, payout.currency
    if not other:
        accrual.state, accrual.failure_reason, accrual.next_try_at = AccrualState.CANCELLED, NOTHING_DUE, None
        return None
    back = accrual.refund_of is not None
    made = counter.pay(
        Payment(
            payer_id=payout.id if back else follower.id,
            payee_id=follower.id if back else payout.id,
            taken=other if back else amount,
            given=amount if back else other,
            share=-share if back else share,
            share_currency=follower.currency,
            reason=TransferReason.COPY_REWARD.value,
            comment=f"COPY_REWARD {accrual.pk}",
            api_data=json.dumps({"copy_reward_accrual_id": accrual.pk, "subscription_id": accrual.subscription_id}),
        ),
        at=at,
    )
    if isinstance(made, Refused):
        accrual.first_failed_at = accrual.first_failed_at or at
        _fail(accrual, made.code, at)
        return None
    accrual.share_amount = -share if back else share
    accrual.payout_amount = -other if back else other
    return made


def _fail(accrual: RewardAccrual, reason: str, at: datetime) -> None:
    accrual.state, accrual.failure_reason = AccrualState.FAILED, reason
    accrual.tries += 1
    accrual.next_try_at = at + AGAIN


def _note_paid(accrual: RewardAccrual, made: Paid, at: datetime) -> None:
    """A charge is told by what left the follower and what reached the payout account; of one that is given back it is the
    other way round."""
    taken, given = made.taken.id, made.given.id
    back = accrual.refund_of_id is not None
    accrual.charge_order, accrual.payout_order = (given, taken) if back else (taken, given)
    accrual.share_order = made.share_order
    accrual.state, accrual.failure_reason, accrual.next_try_at = AccrualState.SETTLED, "", None
    accrual.settled_at = at


def _lift(settled: Sequence[RewardAccrual], at: datetime) -> None:
    """Subscriptions that were paused for rewards go on when nothing is owed any more."""
    resting = CopySubscription.objects.filter(
        pk__in=[accrual.subscription_id for accrual in settled], pause_reason=PAUSED_FOR_REWARDS
    )
    ids = set(resting.values_list("pk", flat=True))
    if not ids:
        return
    owing = RewardAccrual.objects.filter(
        subscription_id__in=ids, state=AccrualState.FAILED, fee_amount__gt=ZERO, first_failed_at__isnull=False
    )
    unpaid_lift(ids - set(owing.values_list("subscription_id", flat=True)), at=at)
