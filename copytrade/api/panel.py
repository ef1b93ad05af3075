"""The copy panel: closing and untracking a copied position, and exits that are still owed."""

from typing import Final

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_manage import StaffView
from accounts.selectors import accounts
from copytrade.api.management import CopyView
from copytrade.engine.reconcile import lights_refresh
from copytrade.models import FailedExit, SyncLight, TradeLink
from copytrade.selectors_commands import copied_position_account, failed_exits, heartbeats, sync_lights
from copytrade.services.commands import position_close, position_untrack
from core.clock import unix
from core.rounding import ZERO
from core.volume import wire_of
from infra.api.schema import describe
from infra.api.shapes import many, record, seconds, text, whole
from infra.api.tables import TEXT, TIME, VOLUME, WHOLE, Column, Limits, Table
from infra.push import publish_on_commit

FAILED_EXITS: Final = Table(
    FailedExit,
    {
        "id": Column("id", WHOLE),
        "login": Column("follower__login", WHOLE),
        "symbol": Column("symbol", TEXT),
        "volume": Column("volume", VOLUME),
        "attempts": Column("attempts", WHOLE),
        "next_attempt_time": Column("next_attempt_at", TIME),
        "expires_time": Column("expires_at", TIME),
        "last_error": Column("last_error", TEXT),
        "state": Column("state", TEXT),
    },
    order=[("id", "desc")],
    limits=Limits(standard=100, most=1000),
)
SYNC: Final = Table(
    SyncLight,
    {
        "login": Column("follower__login", WHOLE),
        "symbol": Column("symbol", TEXT),
        "expected": Column("expected", VOLUME),
        "held": Column("held", VOLUME),
        "state": Column("state", TEXT),
        "since": Column("since", TIME),
        "why": Column("why", TEXT),
    },
    order=[("login", "asc"), ("symbol", "asc")],
    limits=Limits(standard=100, most=1000),
)
HEARTBEAT: Final = record(
    login=whole(100001), last_event_time=seconds(), handled_event_time=seconds(), waiting=whole(0)
)
POSITION: Final = record(order=whole(5000002), symbol=text("EURUSD"), volume=whole(50))


class ReducingView(CopyView):
    """An address that takes copies away: nothing holds it back."""

    never_throttled = True


class PositionCloseView(ReducingView):
    @describe("Close a copied position at market", answer=POSITION, errors={403: ("PERMISSION_DENIED",)})
    def post(self, request: Request, order: str) -> Response:
        """Closes at market all that is copied of an own position; what its owner added by hand stays open.

        The engine carries it out at once, and tries again when the market does not take it.
        """
        number = int(order)
        account_id = copied_position_account(self.actor, number)
        return Response(_position(number, position_close(account_id=account_id, trade_id=number, at=self.at)))


class PositionUntrackView(ReducingView):
    @describe("Keep a copied position and stop copying it", answer=POSITION, errors={403: ("PERMISSION_DENIED",)})
    def post(self, request: Request, order: str) -> Response:
        """Leaves an own position open and to its owner: the leader's later trades do not touch it any more."""
        number = int(order)
        account_id = copied_position_account(self.actor, number)
        return Response(_position(number, position_untrack(account_id=account_id, trade_id=number, at=self.at)))


class FailedExitsView(CopyView):
    @describe("Exits of own accounts that failed", query=FAILED_EXITS.parameters(), answer=FAILED_EXITS.shape())
    def get(self, request: Request) -> HttpResponse:
        """Exits that could not be carried out, how often they were tried and when they are tried again."""
        return FAILED_EXITS.answer(FAILED_EXITS.asked(self.payload), failed_exits(self.actor))


class SyncView(CopyView):
    @describe(
        "Whether own copies agree with their leaders",
        query=SYNC.parameters(),
        answer=SYNC.shape(leaders=many(HEARTBEAT)),
    )
    def get(self, request: Request) -> HttpResponse:
        """What own followers hold of each contract because of leaders, and what they should hold.

        Net volumes, negative for short; compared at this moment. `leaders` tells of each leader when its newest event
        was, when the newest that is copied, and how many events wait.
        """
        mine = list(accounts(self.actor).order_by().values_list("pk", flat=True))
        publish_on_commit(lights_refresh(mine, at=self.at))
        asked = SYNC.asked(self.payload)
        if asked.as_csv:
            return SYNC.answer(asked, sync_lights(self.actor))
        leaders = [
            {
                "login": beat.login,
                "last_event_time": unix(beat.last_event_at),
                "handled_event_time": unix(beat.handled_event_at),
                "waiting": beat.waiting,
            }
            for beat in heartbeats(self.actor)
        ]
        return Response({**SYNC.read(asked, sync_lights(self.actor)), "leaders": leaders})


class AllFailedExitsView(StaffView):
    @describe("Exits that failed on all accounts", query=FAILED_EXITS.parameters(), answer=FAILED_EXITS.shape())
    def get(self, request: Request) -> HttpResponse:
        return FAILED_EXITS.answer(FAILED_EXITS.asked(self.payload), failed_exits(self.actor))


def _position(number: int, links: list[TradeLink]) -> dict[str, object]:
    """What was asked for: the copied part of the position."""
    volume = sum((link.volume for link in links), ZERO)
    return {"order": number, "symbol": links[0].symbol, "volume": wire_of(volume)}
