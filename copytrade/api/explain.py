"""Explain (X01): one leader order, one follower, the whole story."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from copytrade.api.management import CopyView
from copytrade.selectors_explain import Step, Story, explain
from core.clock import unix
from infra.api.fields import Body, IdField
from infra.api.schema import describe
from infra.api.shapes import Shape, many, record, seconds, text, whole, word
from infra.api.views import ApiView


class ExplainBody(Body):
    master_order = IdField(help_text="The leader's order.")
    follower_login = IdField(help_text="The follower's account.")


_STEP: Final = record(
    time=seconds(),
    what=word("LEADER", "COPY", "SUBSCRIPTION", "POSITION"),
    code=text("MIN_EQUITY"),
    sentence=text("The follower's equity is below the subscription's minimum."),
    values=Shape({"type": "object"}, {"equity": "90", "min_equity": "100"}),
    next_step=text("Add funds, or lower the minimum equity."),
)
STORY: Final = record(
    master_order=whole(5000001),
    leader_login=whole(100001),
    follower_login=whole(100002),
    symbol=text("EURUSD"),
    steps=many(_STEP),
    now=_STEP,
)


class ExplainView(CopyView):
    @describe(
        "Why an order was copied or not",
        query=[ExplainBody],
        answer=STORY,
        errors={403: ("PERMISSION_DENIED",), 404: ("RET_ERR_NOTFOUND",)},
    )
    def get(self, request: Request) -> Response:
        """What happened to one leader order for one follower. Figures of the other side are left out."""
        return Response(_explained(self, self.query(ExplainBody)))


class ExplainToStaffView(StaffView):
    @describe(
        "Why an order was copied or not, for staff",
        query=[ExplainBody],
        answer=STORY,
        errors={404: ("RET_ERR_NOTFOUND",)},
    )
    def get(self, request: Request) -> Response:
        """What happened to one leader order for one follower, with all figures."""
        return Response(_explained(self, self.query(ExplainBody)))


def _explained(view: ApiView, asked: dict[str, Any]) -> dict[str, Any]:
    order, login = asked["master_order"], asked["follower_login"]
    return _object(explain(view.actor, leader_order=order, follower_login=login, at=view.at))


def _object(story: Story) -> dict[str, Any]:
    return {
        "master_order": story.leader_order,
        "leader_login": story.leader_login,
        "follower_login": story.follower_login,
        "symbol": story.symbol,
        "steps": [_step(step) for step in story.steps],
        "now": _step(story.now),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "time": unix(step.at),
        "what": step.what,
        "code": step.code,
        "sentence": step.sentence,
        "values": step.values,
        "next_step": step.next_step,
    }
