"""Terms: a master's own, with what waits for the followers' next periods, and a follower's answer to dearer ones (D24)."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from copytrade.api import shapes
from copytrade.api.bodies import RewardPolicyBody
from copytrade.api.management import CopyView
from copytrade.api.objects import policy_object
from copytrade.models import CopyMaster
from copytrade.selectors import master_owned, reward_policy_of, subscription_owned
from copytrade.services.masters import reward_policy_update
from core.clock import unix
from infra.api.fields import Body, FlagField, WholeNumberField
from infra.api.schema import describe
from infra.api.shapes import extended, flag, nullable, record, seconds, whole
from rewards.api.shapes import TERMS, terms_object
from rewards.models import RewardAgreement
from rewards.selectors import agreement_of, subscription_charged, terms_waiting
from rewards.services.agreements import reward_terms_accept, reward_terms_refuse

POLICY: Final = extended(
    shapes.POLICY,
    waiting=nullable(
        record(version=whole(3), followers=whole(12), to_accept=whole(4), first_time=seconds(), last_time=seconds())
    ),
)
AGREED: Final = record(
    subscription_id=whole(21),
    terms=nullable(TERMS),
    period_from=seconds(),
    period_to=seconds(),
    next_terms=nullable(TERMS),
    dearer=flag(),
    accepted_time=seconds(0),
    must_accept=flag(),
)


class RewardPolicyView(CopyView):
    @describe("The terms of an own master", answer=POLICY, errors={403: ("PERMISSION_DENIED",)})
    def get(self, request: Request, record_id: str) -> Response:
        """The terms of an own master. `waiting` tells how many followers are still charged by earlier ones, how many of
        them have to accept first and have not, and when the first and the last of their next periods begin; null when
        nothing waits."""
        return Response(_policy(master_owned(self.actor, int(record_id))))

    @describe(
        "Change the terms of an own master, from the next period on",
        body=RewardPolicyBody,
        partial=True,
        sent={"fee_percent": 15},
        answer=POLICY,
        errors={400: ("INVALID_REWARD_POLICY",), 403: ("PERMISSION_DENIED", "INVALID_PAYOUT_ACCOUNT")},
    )
    def put(self, request: Request, record_id: str) -> Response:
        """Changes the terms of an own master, from the next period on. `enabled` 0 holds at once. Followers who do not
        accept dearer terms are let go when their period is over."""
        values = self.body(RewardPolicyBody, partial=True)
        master = master_owned(self.actor, int(record_id))
        reward_policy_update(actor=self.actor, master_id=master.pk, reward_policy=values, at=self.at)
        return Response(_policy(master))


class AnswerBody(Body):
    """What the follower says to the terms that wait."""

    version = WholeNumberField(min_value=1)
    accept = FlagField()


class AgreedTermsView(CopyView):
    @describe(
        "The terms a subscription is charged by, and those that wait",
        answer=AGREED,
        errors={403: ("PERMISSION_DENIED",)},
    )
    def get(self, request: Request, record_id: str) -> Response:
        """For either side. `terms` are in force until `period_to`, then `next_terms`. With `must_accept` 1 they are dearer
        and not accepted yet: the subscription ends at `period_to` (open copies keep their exits) unless its follower
        accepts. `terms` is null where nothing is ever charged, and in the first seconds of a subscription."""
        subscription = subscription_charged(self.actor, int(record_id))
        return Response(_agreed(subscription.pk, agreement_of(subscription.pk)))

    @describe(
        "Accept dearer terms, or let them end the subscription",
        body=AnswerBody,
        sent={"version": 3, "accept": 1},
        answer=AGREED,
        errors={403: ("PERMISSION_DENIED",), 409: ("CHANGED_MEANWHILE",)},
    )
    def post(self, request: Request, record_id: str) -> Response:
        """The follower's owner accepts the terms of this `version` (`accept` 1), or takes that back (0) as long as their
        period has not begun. 404 when nothing waits; 409 with the `version` that waits by now."""
        values = self.body(AnswerBody)
        subscription = subscription_owned(self.actor, int(record_id))
        if values["accept"]:
            reward_terms_accept(subscription_id=subscription.pk, version=values["version"], at=self.at)
        else:
            reward_terms_refuse(subscription_id=subscription.pk, version=values["version"])
        return Response(_agreed(subscription.pk, agreement_of(subscription.pk)))


def _policy(master: CopyMaster) -> dict[str, Any]:
    waiting = terms_waiting(master.pk)
    return {
        **policy_object(reward_policy_of(master)),
        "waiting": None
        if waiting is None
        else {
            "version": waiting.version,
            "followers": waiting.followers,
            "to_accept": waiting.to_accept,
            "first_time": unix(waiting.first),
            "last_time": unix(waiting.last),
        },
    }


def _agreed(subscription_id: int, agreement: RewardAgreement | None) -> dict[str, Any]:
    following = None if agreement is None or agreement.ended_at is not None else agreement.next_terms
    dearer = following is not None and agreement is not None and agreement.next_dearer
    accepted_at = None if following is None or agreement is None else agreement.accepted_at
    return {
        "subscription_id": subscription_id,
        "terms": None if agreement is None else terms_object(agreement.terms),
        "period_from": unix(agreement.period_from if agreement else None),
        "period_to": unix(agreement.period_to if agreement else None),
        "next_terms": None if following is None else terms_object(following),
        "dearer": int(dearer),
        "accepted_time": unix(accepted_at),
        "must_accept": int(dearer and accepted_at is None),
    }
