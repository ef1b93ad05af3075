"""What staff do with masters: look at applications, decide, pause, and see who is at risk behind a master."""

from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from copytrade.api import shapes
from copytrade.api.bodies import ApplicationBody, MasterStatusBody
from copytrade.api.objects import managed_master_object
from copytrade.models import CopyMaster, MasterStatus
from copytrade.selectors_masters import master_application_named, master_applications, master_to_manage
from copytrade.services.masters import master_status_set
from infra.api.schema import describe
from infra.api.tables import DECIMAL, TEXT, TIME, WHOLE, Column, Table

_DECISION_ERRORS: Final = {403: ("CIRCULAR_COPY",), 409: ("CHANGED_MEANWHILE",)}

APPLICATIONS: Final = Table(
    CopyMaster,
    {
        "id": Column("id", WHOLE),
        "login": Column("account__login", WHOLE),
        "strategy_name": Column("strategy_name", TEXT),
        "customer": Column("customer__email", TEXT),
        "status": Column("status", TEXT),
        "visibility": Column("visibility", TEXT),
        "currency": Column("account__currency", TEXT),
        "balance": Column("account__balance", DECIMAL),
        "account_opened_time": Column("account__opened_at", TIME),
        "created_time": Column("created_at", TIME),
    },
    order=[("created_time", "asc")],
)


class MasterStatusView(StaffView):
    @describe(
        "Let a master run, pause it, or take it away",
        body=MasterStatusBody,
        sent={"status": "PAUSED", "reason": "Drawdown beyond what was agreed.", "open_copies": "keep_exits"},
        answer=shapes.MANAGED_MASTER,
        errors=_DECISION_ERRORS,
    )
    def put(self, request: Request, record_id: str) -> Response:
        """Sets where a master stands in its life; who decided, when and why is kept.

        Only ACTIVE masters are found and copied. Any other status leaves open copies to the leader's exits unless
        `open_copies` says otherwise, and takes copies of pending orders back.
        """
        values = self.body(MasterStatusBody)
        master = master_to_manage(self.actor, int(record_id))
        master_status_set(actor=self.actor, master_id=master.pk, at=self.at, **values)
        return Response(managed_master_object(master_to_manage(self.actor, master.pk)))


class MasterApplicationsView(StaffView):
    @describe("Masters that wait for a decision", query=APPLICATIONS.parameters(), answer=APPLICATIONS.shape())
    def get(self, request: Request) -> HttpResponse:
        """Profiles that are PENDING, the oldest first."""
        return APPLICATIONS.answer(APPLICATIONS.asked(self.payload), master_applications(self.actor))

    @describe(
        "Decide about an application",
        body=ApplicationBody,
        sent={"id": 7, "status": "ACTIVE", "reason": "Two years of steady results."},
        answer=shapes.MANAGED_MASTER,
        errors={404: ("RET_ERR_NOTFOUND",), 409: ("ALREADY_DECIDED", "CHANGED_MEANWHILE")},
    )
    def put(self, request: Request) -> Response:
        """Lets the master that applied run, or rejects it. 409 `ALREADY_DECIDED` when it is not PENDING any more."""
        values: dict[str, Any] = self.body(ApplicationBody)
        master = master_application_named(self.actor, values.pop("id"))
        master_status_set(actor=self.actor, master_id=master.pk, expected=MasterStatus.PENDING, at=self.at, **values)
        return Response(managed_master_object(master_to_manage(self.actor, master.pk)))
