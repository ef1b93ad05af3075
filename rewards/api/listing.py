"""The tables of rewards: a customer's, paid and earned, and all of the tenant for staff."""

from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from copytrade.api.management import CopyView
from infra.api.schema import describe
from infra.api.tables import DECIMAL, TEXT, TIME, WHOLE, Column, Table
from rewards.models import RewardAccrual
from rewards.notices import reward_row
from rewards.selectors import rewards
from rewards.services.settling import accrual_retry

REWARDS: Final = Table(
    RewardAccrual,
    {
        "id": Column("id", WHOLE),
        "subscription_id": Column("subscription_id", WHOLE),
        "master_login": Column("leader__login", WHOLE),
        "follower_login": Column("follower__login", WHOLE),
        "payout_account_login": Column("payout_account__login", WHOLE),
        "reward_type": Column("reward_type", WHOLE),
        "source_order": Column("source_order", WHOLE),
        "charge_order": Column("charge_order", WHOLE),
        "payout_order": Column("payout_order", WHOLE),
        "period_from": Column("period_from", TIME),
        "period_to": Column("period_to", TIME),
        "base_amount": Column("base_amount", DECIMAL),
        "fee_amount": Column("fee_amount", DECIMAL),
        "currency": Column("currency", TEXT),
        "state": Column("state", WHOLE),
        "failure_reason": Column("failure_reason", TEXT),
        "created_time": Column("created_at", TIME),
        "updated_time": Column("updated_at", TIME),
    },
    order=[("created_time", "desc")],
)


class RewardsView(CopyView):
    @describe("Rewards that own accounts paid and earned", query=REWARDS.parameters(), answer=REWARDS.shape())
    def get(self, request: Request) -> HttpResponse:
        """What own followers were charged, and what own masters earned.

        `state`: 0 accrued, 1 settling, 2 settled, 3 failed (tried again every day), 4 cancelled. `fee_amount` and
        `base_amount` are in `currency`, the follower's; lots for fees per lot. A negative fee is given back.
        """
        return REWARDS.answer(REWARDS.asked(self.payload), rewards(self.actor))


class AllRewardsView(StaffView):
    @describe("Rewards of all accounts", query=REWARDS.parameters(), answer=REWARDS.shape())
    def get(self, request: Request) -> HttpResponse:
        """As `/copytrade/rewards`, of all accounts of the tenant."""
        return REWARDS.answer(REWARDS.asked(self.payload), rewards(self.actor))


class RewardRetryView(StaffView):
    @describe(
        "Try a failed reward again at once", answer=REWARDS.row_shape(), errors={409: ("RET_TRADE_INCORRECT_STATE",)}
    )
    def post(self, request: Request, record_id: str) -> Response:
        """Has a reward that failed tried again within seconds, not only the next day. Answers the row as it stands."""
        accrual_retry(accrual_id=int(record_id), at=self.at)
        return Response(reward_row(rewards(self.actor).get(pk=int(record_id))))
