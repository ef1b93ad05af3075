"""Masters, followers and subscriptions of a customer: create, change, end."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from copytrade import selectors
from copytrade.api import shapes
from copytrade.api.bodies import (
    EndBody,
    FollowerBody,
    FollowerSettingsBody,
    MasterBody,
    MasterChangeBody,
    PolicyOfMasterBody,
    SubscriptionBody,
    SubscriptionChangeBody,
    WholeMasterBody,
    WholeMasterSettingsBody,
)
from copytrade.api.objects import follower_object, master_object, subscription_object
from copytrade.services.endings import OpenCopies
from copytrade.services.followers import follower_create, follower_end, follower_update
from copytrade.services.masters import (
    master_candidate,
    master_create,
    master_end,
    master_update,
)
from copytrade.services.rewards import reward_policy_required
from copytrade.services.subscriptions import subscription_create, subscription_end, subscription_update
from core.clock import unix
from infra.api.fields import refuse_changes
from infra.api.schema import describe
from infra.api.views import ApiView

DELETED = {"deleted": True}


class CopyView(ApiView):
    """An address of copy trading for customers."""

    module = "copy_trading"


class MastersView(CopyView):
    @describe(
        "Make an own REAL account a master's",
        body=WholeMasterBody,
        sent={
            "login": 100001,
            "strategy_name": "Steady Trend",
            "visibility": "public",
            "reward_policy": {"reward_type": 1, "fee_percent": 20},
        },
        answer=shapes.MASTER,
        errors={
            400: (
                "ACCOUNT_NOT_FOUND",
                "MASTER_ACCOUNT_MUST_BE_REAL",
                "REWARD_POLICY_REQUIRED",
                "INVALID_REWARD_POLICY",
            ),
            403: ("INVALID_ACCOUNT", "INVALID_PAYOUT_ACCOUNT", "CIRCULAR_COPY", "MASTER_NOT_QUALIFIED"),
            409: ("RET_DUPLICATE_RECORD",),
        },
    )
    def post(self, request: Request) -> Response:
        """Makes an own REAL account a master's: active at once, or PENDING where staff decide about new masters.

        `MASTER_NOT_QUALIFIED` names in `rules` what the account has too little of.
        """
        values = self.body(MasterBody)
        # The contract asks for the account before the terms; so the terms are read after it.
        master_candidate(actor=self.actor, login=values["login"])
        if self.payload.get("reward_policy") is None:
            raise reward_policy_required()
        terms = self.body(PolicyOfMasterBody)["reward_policy"]
        master = master_create(
            actor=self.actor, login=values.pop("login"), settings=values, reward_policy=terms, at=self.at
        )
        return Response(master_object(selectors.master_owned(self.actor, master.pk)))


class MasterView(CopyView):
    @describe(
        "Change an own master profile",
        body=WholeMasterSettingsBody,
        partial=True,
        sent={"description": "Fewer, larger moves."},
        answer=shapes.MASTER,
        errors={
            400: ("INVALID_REWARD_POLICY",),
            403: ("PERMISSION_DENIED", "INVALID_PAYOUT_ACCOUNT"),
            409: ("CHANGED_MEANWHILE",),
        },
    )
    def put(self, request: Request, record_id: str) -> Response:
        """Changes an own master profile; `reward_policy` may hold some of its keys only.

        With `enabled` 0 nothing new is copied, and `open_copies` says what becomes of open copies.
        """
        values = self.body(MasterChangeBody, partial=True)
        master = selectors.master_owned(self.actor, int(record_id))
        refuse_changes(self.payload, id=master.pk, login=master.account.login, created_time=unix(master.created_at))
        terms = self.body(PolicyOfMasterBody, partial=True).get("reward_policy")
        master_update(
            actor=self.actor,
            master_id=master.pk,
            open_copies=values.pop("open_copies", OpenCopies.KEEP_EXITS),
            settings=values,
            reward_policy=terms,
            at=self.at,
        )
        return Response(master_object(selectors.master_owned(self.actor, master.pk)))

    @describe(
        "End an own master profile and its subscriptions",
        body=EndBody,
        sent={"open_copies": "close"},
        answer=shapes.DELETED,
        errors={403: ("PERMISSION_DENIED",), 409: ("CHANGED_MEANWHILE",)},
    )
    def delete(self, request: Request, record_id: str) -> Response:
        """Ends an own master profile and its subscriptions. Within seconds their rewards are settled, and what followers had
        prepaid is given back for the time that is left."""
        open_copies = self.body(EndBody)["open_copies"]
        master = selectors.master_owned(self.actor, int(record_id))
        master_end(actor=self.actor, master_id=master.pk, open_copies=open_copies, at=self.at)
        return Response(DELETED)


class FollowersView(CopyView):
    @describe(
        "Make an own account a follower's",
        body=FollowerBody,
        sent={"login": 100002, "max_master_count": 3},
        answer=shapes.FOLLOWER,
        errors={
            400: ("ACCOUNT_NOT_FOUND",),
            403: ("INVALID_ACCOUNT", "CIRCULAR_COPY"),
            409: ("RET_DUPLICATE_RECORD",),
        },
    )
    def post(self, request: Request) -> Response:
        """Makes an own account a follower's."""
        values = self.body(FollowerBody)
        follower = follower_create(actor=self.actor, login=values.pop("login"), settings=values, at=self.at)
        return Response(follower_object(follower))


class FollowerView(CopyView):
    @describe(
        "Change an own follower profile",
        body=FollowerSettingsBody,
        partial=True,
        sent={"max_master_count": 5},
        answer=shapes.FOLLOWER,
        errors={403: ("PERMISSION_DENIED",)},
    )
    def put(self, request: Request, record_id: str) -> Response:
        """Changes an own follower profile."""
        values = self.body(FollowerSettingsBody, partial=True)
        follower = selectors.follower_owned(self.actor, int(record_id))
        refuse_changes(
            self.payload, id=follower.pk, login=follower.account.login, created_time=unix(follower.created_at)
        )
        changed = follower_update(follower_id=follower.pk, settings=values, at=self.at)
        return Response(follower_object(changed))

    @describe(
        "End an own follower profile that copies nobody any more",
        answer=shapes.DELETED,
        errors={403: ("PERMISSION_DENIED",), 409: ("HAS_SUBSCRIPTIONS",)},
    )
    def delete(self, request: Request, record_id: str) -> Response:
        """Ends an own follower profile that copies nobody any more."""
        follower = selectors.follower_owned(self.actor, int(record_id))
        follower_end(follower_id=follower.pk, at=self.at)
        return Response(DELETED)


class SubscriptionsView(CopyView):
    @describe(
        "Copy a master",
        body=SubscriptionBody,
        sent={"master_login": 100001, "follower_login": 100002, "volume_mode": 1, "risk_multiplier": "0.5"},
        answer=shapes.SUBSCRIPTION,
        errors={
            400: ("ACCOUNT_NOT_FOUND",),
            403: (
                "INVALID_FOLLOWER_ACCOUNT",
                "MASTER_NOT_FOUND",
                "MASTER_NOT_AVAILABLE",
                "FOLLOWER_NOT_FOUND",
                "FOLLOWER_MODE_NOT_ALLOWED",
                "CIRCULAR_COPY",
                "MAX_MASTERS_REACHED",
                "ALREADY_CONTROLLED",
                "MASTER_FULL",
            ),
            409: ("RET_DUPLICATE_RECORD",),
        },
    )
    def post(self, request: Request) -> Response:
        """Lets an own follower account copy a master, from the master's next trade on."""
        values = self.body(SubscriptionBody)
        subscription = subscription_create(
            actor=self.actor,
            master_login=values.pop("master_login"),
            follower_login=values.pop("follower_login"),
            copy_existing_positions=values.pop("copy_existing_positions", False),
            settings=values,
            at=self.at,
        )
        return Response(subscription_object(subscription, selectors.limits_of(subscription)))


class SubscriptionView(CopyView):
    # With the module off a customer must still be able to end copying.
    reducing_methods = frozenset({"DELETE"})

    @describe(
        "Change an own subscription",
        body=SubscriptionChangeBody,
        partial=True,
        sent={"status": 2, "open_copies": "close"},
        answer=shapes.SUBSCRIPTION,
        errors={403: ("PERMISSION_DENIED",), 409: ("CHANGED_MEANWHILE",)},
    )
    def put(self, request: Request, record_id: str) -> Response:
        """Changes an own subscription; with `status` 1 or 2, `open_copies` says what becomes of open copies."""
        values: dict[str, Any] = self.body(SubscriptionChangeBody, partial=True)
        subscription = selectors.subscription_owned(self.actor, int(record_id))
        refuse_changes(
            self.payload,
            id=subscription.pk,
            master_login=subscription.leader.login,
            follower_login=subscription.follower.login,
            created_time=unix(subscription.created_at),
        )
        changed = subscription_update(
            subscription_id=subscription.pk,
            copy_existing_positions=values.pop("copy_existing_positions", False),
            open_copies=values.pop("open_copies", OpenCopies.KEEP_EXITS),
            settings=values,
            at=self.at,
        )
        return Response(subscription_object(changed, selectors.limits_of(changed)))

    @describe(
        "End an own subscription",
        body=EndBody,
        sent={"open_copies": "keep_exits"},
        answer=shapes.DELETED,
        errors={403: ("PERMISSION_DENIED",), 409: ("CHANGED_MEANWHILE",)},
    )
    def delete(self, request: Request, record_id: str) -> Response:
        """Ends an own subscription."""
        open_copies = self.body(EndBody)["open_copies"]
        subscription = selectors.subscription_owned(self.actor, int(record_id))
        subscription_end(subscription_id=subscription.pk, open_copies=open_copies, at=self.at)
        return Response(DELETED)
