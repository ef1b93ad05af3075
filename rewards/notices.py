"""What followers are told about rewards, and the row of an accrual that goes to the sockets of both sides."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from copytrade.notices import Notice, notice_frame
from core.clock import unix
from core.money import round_money
from infra.push import Frame
from rewards.models import RewardAccrual, RewardAgreement

ROW: Final = (
    "id", "subscription_id", "master_login", "follower_login", "payout_account_login", "reward_type", "source_order",
    "charge_order", "payout_order", "period_from", "period_to", "base_amount", "fee_amount", "currency", "state",
    "failure_reason", "created_time", "updated_time",
)  # fmt: skip
"""The columns of `GET /copytrade/rewards`."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def reward_row(accrual: RewardAccrual) -> dict[str, Any]:
    """An accrual by the contract's names (needs `leader`, `follower` and `payout_account` loaded)."""
    return {
        "id": accrual.pk,
        "subscription_id": accrual.subscription_id,
        "master_login": accrual.leader.login,
        "follower_login": accrual.follower.login,
        "payout_account_login": accrual.payout_account.login,
        "reward_type": accrual.reward_type,
        "source_order": accrual.source_order,
        "charge_order": accrual.charge_order,
        "payout_order": accrual.payout_order,
        "period_from": unix(accrual.period_from),
        "period_to": unix(accrual.period_to),
        "base_amount": accrual.base_amount,
        "fee_amount": accrual.fee_amount,
        "currency": accrual.currency,
        "state": accrual.state,
        "failure_reason": accrual.failure_reason,
        "created_time": unix(accrual.created_at),
        "updated_time": unix(accrual.updated_at),
    }


def reward_frames(accruals: Sequence[RewardAccrual]) -> list[Frame]:
    """`reward` for both sides of each accrual; staff hear of it once."""
    frames = []
    for accrual in accruals:
        text = _encode(reward_row(accrual)).decode()
        for account, staff in ((accrual.follower, True), (accrual.leader, False)):
            frames.append(
                Frame(account.tenant_id, account.customer_id, account.login, "copy", text, "reward", staff=staff)
            )
    return frames


def unpaid_frames(accruals: Sequence[RewardAccrual], paused: Collection[int], at: datetime) -> list[Frame]:
    """Notifications about money that was missing for the first time, and about subscriptions that were paused now."""
    frames, told = [], set()
    for accrual in accruals:
        values = {
            "master_login": accrual.leader.login,
            "amount": round_money(accrual.fee_amount, accrual.currency),
            "currency": accrual.currency,
            "subscription_id": accrual.subscription_id,
        }
        if accrual.subscription_id in paused and accrual.subscription_id not in told:
            told.add(accrual.subscription_id)
            frames.append(notice_frame(accrual.follower, Notice.REWARD_UNPAID, values, at))
        elif accrual.first_failed_at == at:
            frames.append(notice_frame(accrual.follower, Notice.REWARD_FAILED, values, at))
    return frames


def terms_frames(agreements: Sequence[RewardAgreement], at: datetime) -> list[Frame]:
    """Notifications about terms that wait for the next period (`follower` and `leader` loaded)."""
    return [
        notice_frame(
            agreement.follower,
            Notice.TERMS_DEARER if agreement.next_dearer else Notice.TERMS_CHANGED,
            _about(agreement),
            at,
        )
        for agreement in agreements
    ]


def refused_frame(agreement: RewardAgreement, at: datetime) -> Frame:
    """The notification that a subscription ended because the next terms were not accepted."""
    return notice_frame(agreement.follower, Notice.TERMS_NOT_ACCEPTED, _about(agreement), at)


def _about(agreement: RewardAgreement) -> dict[str, Any]:
    return {"master_login": agreement.leader.login, "subscription_id": agreement.subscription_id}
