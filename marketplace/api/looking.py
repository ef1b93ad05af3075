"""Looking at one master from any session: its trades and its followers, as far as it shows them."""

from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from copytrade.models import CopySubscription
from copytrade.selectors_masters import followers_of_master, followers_shown, master_shown, trade_history_shown
from core.masking import masked_email
from infra.actor import ALL_SESSIONS
from infra.api.schema import describe
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, VOLUME, WHOLE, Column, Limits, Table
from infra.api.views import ApiView
from marketplace.api.bodies import MasterQuery, MasterTradesQuery
from trading.api import TRADES
from trading.models import Trade
from trading.selectors import market_records, trade_type

_MANY: Final = Limits(most=50_000, required=True)

MASTER_TRADES: Final = Table(
    Trade,
    {name: column for name, column in TRADES.columns.items() if name != "comment"},
    order=[("open_time", "desc")],
    limits=_MANY,
)
FOLLOWERS: Final = Table(
    CopySubscription,
    {
        "subscription_id": Column("id", WHOLE),
        "master_login": Column("leader__login", WHOLE),
        "follower_login": Column("follower__login", WHOLE),
        # What is not shown in full is nothing to search by either.
        "follower_email": Column("follower__customer__email", TEXT, to_wire=masked_email, filterable=False),
        "subscribed_time": Column("created_at", TIME),
        "status": Column("status", WHOLE),
        "enabled": Column("enabled", FLAG),
        "copied_trades": Column("copied_trades", WHOLE),
        "pnl": Column("pnl", DECIMAL),
        "volume": Column("volume", VOLUME),
    },
    order=[("subscribed_time", "desc")],
    limits=_MANY,
)
UNSEEN: Final = ("MASTER_NOT_FOUND", "MASTER_NOT_AVAILABLE")


class LookingView(ApiView):
    """An address about one master, for every session of its tenant."""

    session_types = ALL_SESSIONS
    customer_address = False
    module = "copy_trading"


class MasterTradesView(LookingView):
    @describe(
        "A master's trades, when it shows them",
        query=[*MASTER_TRADES.parameters(), MasterTradesQuery],
        answer=MASTER_TRADES.shape(),
        errors={403: (*UNSEEN, "TRADE_HISTORY_NOT_PUBLIC")},
    )
    def get(self, request: Request) -> HttpResponse:
        """The orders and trades of a master's account; balance operations and comments never.

        To its owner always, to everybody else, staff included, while the master shows its history.
        """
        asked = MASTER_TRADES.asked(self.payload)
        query: dict[str, Any] = self.query(MasterTradesQuery)
        master = master_shown(self.actor, query["login"])
        trade_history_shown(self.actor, master)
        kind = trade_type(query["tradeType"], deleted_too="state" in asked.named)
        return MASTER_TRADES.answer(asked, market_records(master.account_id).filter(kind))


class MasterFollowersView(LookingView):
    @describe(
        "A master's followers, when it shows them",
        query=[*FOLLOWERS.parameters(), MasterQuery],
        answer=FOLLOWERS.shape(),
        errors={403: (*UNSEEN, "FOLLOWERS_NOT_PUBLIC")},
    )
    def get(self, request: Request) -> HttpResponse:
        """Who follows a master, with masked addresses, and what the closed copies brought after costs.

        To its owner always, to everybody else, staff included, while the master shows its followers. `copied_trades`,
        `pnl` (in the follower's currency) and `volume` are those of closed copies.
        """
        asked = FOLLOWERS.asked(self.payload)
        master = master_shown(self.actor, self.query(MasterQuery)["login"])
        followers_shown(self.actor, master)
        return FOLLOWERS.answer(asked, followers_of_master(master))
