"""Quarantines: what is stopped, and setting it free."""

from typing import Any, Final

from django.db.models import F
from django.db.models.functions import JSONObject
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from copytrade import reasons
from copytrade.api import shapes
from copytrade.api.management import DELETED, CopyView
from copytrade.models import Quarantine
from copytrade.selectors import refusal_params
from copytrade.selectors_rules import quarantine_owned, quarantines
from copytrade.services.quarantines import quarantine_release
from infra.actor import DEALING_SESSIONS
from infra.api.schema import describe
from infra.api.tables import TEXT, TIME, WHOLE, Column, Limits, Table


def _detail(stored: Any) -> str:
    return reasons.quarantine_detail(stored["reason"], refusal_params(stored["params"]))


QUARANTINES: Final = Table(
    Quarantine,
    {
        "id": Column("id", WHOLE),
        "login": Column("follower__login", WHOLE),
        "symbol": Column("symbol", TEXT),
        "group_id": Column("group_id", WHOLE),
        "reason": Column("reason", TEXT),
        "detail": Column(JSONObject(reason=F("reason"), params=F("params")), TEXT, to_wire=_detail, filterable=False),
        "created_time": Column("created_at", TIME),
    },
    order=[("created_time", "desc")],
    limits=Limits(standard=100, most=1000),
)


class QuarantinesView(CopyView):
    @describe("Symbols in quarantine on own accounts", query=QUARANTINES.parameters(), answer=QUARANTINES.shape())
    def get(self, request: Request) -> HttpResponse:
        """Where nothing new is copied until somebody has looked; exits go on."""
        return QUARANTINES.answer(QUARANTINES.asked(self.payload), quarantines(self.actor))


class QuarantineView(CopyView):
    @describe("Release an own quarantine", answer=shapes.DELETED, errors={403: ("PERMISSION_DENIED",)})
    def delete(self, request: Request, record_id: str) -> Response:
        """Lets the symbol be copied again, from the leader's next entry on."""
        found = quarantine_owned(self.actor, int(record_id))
        quarantine_release(quarantine_id=found.pk, user_id=self.actor.user_id, at=self.at)
        return Response(DELETED)


class AllQuarantinesView(StaffView):
    @describe("Symbols in quarantine on all accounts", query=QUARANTINES.parameters(), answer=QUARANTINES.shape())
    def get(self, request: Request) -> HttpResponse:
        return QUARANTINES.answer(QUARANTINES.asked(self.payload), quarantines(self.actor))


class AnyQuarantineView(StaffView):
    write_session_types = DEALING_SESSIONS

    @describe("Release a quarantine", answer=shapes.DELETED)
    def delete(self, request: Request, record_id: str) -> Response:
        found = quarantine_owned(self.actor, int(record_id))
        quarantine_release(quarantine_id=found.pk, user_id=self.actor.user_id, at=self.at)
        return Response(DELETED)
