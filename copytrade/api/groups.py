"""Copy groups of a customer: created, changed, paused, resumed, ended, with their members and contracts."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from copytrade.api import shapes
from copytrade.api.groups_bodies import (
    ContractChangeBody,
    FollowerChangeBody,
    GroupBody,
    GroupChangeBody,
    GroupEndBody,
    MembersBody,
    PauseBody,
    SyncBody,
)
from copytrade.api.groups_objects import GROUP, group_object
from copytrade.api.management import DELETED, CopyView
from copytrade.models import CopyGroup
from copytrade.selectors_groups import cross_options, group_owned, groups_own
from copytrade.services.groups.life import (
    NewFollower,
    group_create,
    group_delete,
    group_pause,
    group_resume,
    group_update,
)
from copytrade.services.groups.members import Keep, Wanted, group_members_update
from copytrade.services.groups.terms import contract_sync, contract_update, follower_update
from core.errors import DomainError, Kind
from infra.api.fields import refuse_changes
from infra.api.schema import describe
from infra.api.shapes import many, record, text, whole

MEMBER_REFUSALS = ("INVALID_ACCOUNT", "CIRCULAR_COPY", "ACCOUNT_IN_OTHER_GROUP", "ALREADY_CONTROLLED")
CHANGED = ("CHANGED_MEANWHILE",)


class GroupView(CopyView):
    """An address of one group, or of something in it."""

    def group(self, record_id: str) -> CopyGroup:
        """The own group that the path names."""
        return group_owned(self.actor, int(record_id))

    def shown(self, group_id: int) -> Response:
        """The whole group as it is now."""
        return Response(group_object(group_owned(self.actor, group_id)))


class GroupsView(GroupView):
    @describe("Own copy groups, the newest first", answer=record(rows=many(GROUP), count=whole(1)))
    def get(self, request: Request) -> Response:
        """The customer's own copy groups, the newest first."""
        rows = [group_object(group) for group in groups_own(self.actor)]
        return Response({"rows": rows, "count": len(rows)})

    @describe(
        "Let own accounts copy another own account",
        body=GroupBody,
        sent={"name": "Funded", "leader_login": 100001, "followers": [{"login": 100002, "ratio": "0.5"}]},
        answer=GROUP,
        errors={
            400: ("ACCOUNT_NOT_FOUND", "DIFFERENT_FAMILY"),
            403: ("BROKER_CONNECTION_REQUIRED", *MEMBER_REFUSALS),
            409: ("RET_DUPLICATE_RECORD",),
        },
    )
    def post(self, request: Request) -> Response:
        """Creates a group, which is active at once: the leader's next trade is copied."""
        values = self.body(GroupBody)
        group = group_create(
            actor=self.actor,
            name=values.pop("name"),
            leader_login=values.pop("leader_login"),
            followers=[_new_follower(follower) for follower in values.pop("followers")],
            mappings=values.pop("mappings", ()),
            settings=values,
            at=self.at,
        )
        return self.shown(group.pk)


class OneGroupView(GroupView):
    # With the module off a customer must still be able to end copying.
    reducing_methods = frozenset({"DELETE"})

    @describe("One own copy group", answer=GROUP)
    def get(self, request: Request, record_id: str) -> Response:
        """One own copy group with its followers."""
        return self.shown(int(record_id))

    @describe(
        "Change what all followers of a group share",
        body=GroupChangeBody,
        partial=True,
        sent={"rounding_mode": "NEAREST", "version": 1},
        answer=GROUP,
        errors={400: ("NAME_IS_FIXED",), 409: CHANGED},
    )
    def put(self, request: Request, record_id: str) -> Response:
        """Changes the settings of a group. Leader and followers are changed by `members`."""
        values = self.body(GroupChangeBody, partial=True)
        group = self.group(record_id)
        if "name" in self.payload and self.payload["name"] != group.name:
            raise DomainError(Kind.INVALID, "NAME_IS_FIXED", _("The name of a group cannot be changed."))
        refuse_changes(self.payload, id=group.pk, leader_login=None if group.leader is None else group.leader.login)
        group_update(
            actor=self.actor,
            group_id=group.pk,
            version=values.pop("version", None),
            mappings=values.pop("mappings", None),
            settings=values,
            at=self.at,
        )
        return self.shown(group.pk)

    @describe(
        "End a group and its followers' copying",
        body=GroupEndBody,
        sent={"confirm": True, "open_copies": "keep_exits"},
        answer=shapes.DELETED,
        errors={400: ("CONFIRMATION_REQUIRED",), 409: CHANGED},
    )
    def delete(self, request: Request, record_id: str) -> Response:
        """Ends a group; `confirm` must be sent."""
        values = self.body(GroupEndBody)
        group_delete(actor=self.actor, group_id=self.group(record_id).pk, at=self.at, **values)
        return Response(DELETED)


class GroupMembersView(GroupView):
    @describe(
        "Change leader and followers of a group in one save",
        body=MembersBody,
        partial=True,
        sent={"leader_login": 100001, "followers": [{"login": 100002}, {"login": 100003, "ratio": 2}]},
        answer=GROUP,
        errors={400: ("ACCOUNT_NOT_FOUND",), 403: MEMBER_REFUSALS, 409: (*CHANGED, "LEADER_HAS_OPEN_COPIES")},
    )
    def put(self, request: Request, record_id: str) -> Response:
        """The whole staged edit, all or nothing. A key that is not sent leaves its part of the group as it is."""
        values: dict[str, Any] = self.body(MembersBody, partial=True)
        group = self.group(record_id)
        followers = values.get("followers")
        group_members_update(
            actor=self.actor,
            group_id=group.pk,
            leader_login=values.get("leader_login", Keep.AS_IT_IS),
            followers=None if followers is None else [Wanted(f["login"], f.get("ratio")) for f in followers],
            open_copies=values.get("open_copies"),
            reactivate=values.get("reactivate", False),
            version=values.get("version"),
            at=self.at,
        )
        return self.shown(group.pk)


class GroupPauseView(GroupView):
    # Pausing reduces what may happen; it is never refused for rate or module.
    never_throttled = True

    @describe(
        "Pause a group",
        body=PauseBody,
        sent={"open_copies": "keep_exits"},
        answer=GROUP,
        errors={409: (*CHANGED, "NOT_CONFIGURED")},
    )
    def post(self, request: Request, record_id: str) -> Response:
        """No new entries until the group is resumed; `open_copies` says what becomes of open copies."""
        open_copies = self.body(PauseBody)["open_copies"]
        group = self.group(record_id)
        group_pause(actor=self.actor, group_id=group.pk, open_copies=open_copies, at=self.at)
        return self.shown(group.pk)


class GroupResumeView(GroupView):
    @describe(
        "Resume a group",
        answer=GROUP,
        errors={403: ("PERMISSION_DENIED",), 409: (*CHANGED, "NOT_CONFIGURED", "LEADER_BREACHED")},
    )
    def post(self, request: Request, record_id: str) -> Response:
        """Entries are copied again, from the leader's next trade on."""
        group = self.group(record_id)
        group_resume(actor=self.actor, group_id=group.pk, at=self.at)
        return self.shown(group.pk)


class GroupFollowerView(GroupView):
    @describe(
        "Change one follower of a group",
        body=FollowerChangeBody,
        partial=True,
        sent={"ratio": 2, "mappings": [{"leader_symbol": "CL", "follower_symbol": "QO"}]},
        answer=GROUP,
        errors={409: CHANGED},
    )
    def put(self, request: Request, record_id: str, login: str) -> Response:
        """Changes one follower's ratio, its master switch, and its own mappings (the list replaces the one before)."""
        values = self.body(FollowerChangeBody, partial=True)
        group = self.group(record_id)
        follower_update(
            actor=self.actor,
            group_id=group.pk,
            login=int(login),
            version=values.pop("version", None),
            mappings=values.pop("mappings", None),
            settings=values,
            at=self.at,
        )
        return self.shown(group.pk)


class GroupContractView(GroupView):
    @describe(
        "Change one follower's terms for one contract",
        body=ContractChangeBody,
        partial=True,
        sent={"ratio": 2, "cross_symbol": "NQ"},
        answer=GROUP,
        errors={400: ("DIFFERENT_FAMILY",), 409: CHANGED},
    )
    def put(self, request: Request, record_id: str, login: str, symbol: str) -> Response:
        """Changes ratio, sync switch and cross symbol ("" removes it) of one follower for one of the leader's contracts."""
        values = self.body(ContractChangeBody, partial=True)
        group = self.group(record_id)
        contract_update(
            actor=self.actor,
            group_id=group.pk,
            login=int(login),
            symbol=symbol,
            version=values.pop("version", None),
            settings=values,
            at=self.at,
        )
        return self.shown(group.pk)


class GroupSyncView(GroupView):
    @describe(
        "Switch one contract on or off for all followers",
        body=SyncBody,
        sent={"synced": 0},
        answer=GROUP,
        errors={409: CHANGED},
    )
    def put(self, request: Request, record_id: str, symbol: str) -> Response:
        """Switches one contract on or off for all followers of a group."""
        values = self.body(SyncBody)
        group = self.group(record_id)
        contract_sync(
            actor=self.actor,
            group_id=group.pk,
            symbol=symbol,
            synced=values["synced"],
            version=values.get("version"),
            at=self.at,
        )
        return self.shown(group.pk)


class CrossOptionsView(GroupView):
    @describe("What can be traded instead of a contract", answer=record(options=many(text("NQ"))))
    def get(self, request: Request, record_id: str, symbol: str) -> Response:
        """The contracts of the same family that a follower may trade instead; empty: there is no supported cross."""
        self.group(record_id)
        return Response({"options": cross_options(symbol, self.at)})


def _new_follower(values: dict[str, Any]) -> NewFollower:
    return NewFollower(
        Wanted(values["login"], values.get("ratio")),
        synced_all=values.get("synced_all", True),
        mappings=values.get("mappings", ()),
        contracts=values.get("contracts", {}),
    )
