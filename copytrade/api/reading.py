"""What a customer can look at: masters to follow, own profiles, and what was copied."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import product_config
from copytrade import selectors
from copytrade.api import shapes, tables
from copytrade.api.bodies import SubscriptionNamesBody
from copytrade.api.management import CopyView
from copytrade.api.objects import follower_object, master_object, subscription_object
from copytrade.models import CopySubscription
from core.volume import wire_of
from infra.api.schema import describe
from infra.api.shapes import extended
from infra.api.tables import csv_response


class MyCopyView(CopyView):
    @describe("Own masters, followers and subscriptions", answer=shapes.OWN)
    def get(self, request: Request) -> Response:
        """The customer's own masters, followers and subscriptions."""
        actor, config = self.actor, product_config()
        return Response(
            {
                "masters": [master_object(master) for master in selectors.masters_own(actor)],
                "followers": [follower_object(follower) for follower in selectors.followers_own(actor)],
                "subscriptions": [
                    subscription_object(s, selectors.limits_of(s, config))
                    for s in selectors.subscriptions_followed(actor)
                ],
            }
        )


class SubscriptionsListView(CopyView):
    @describe(
        "Subscriptions of own accounts, on either side",
        query=[*tables.SUBSCRIPTIONS.parameters(), SubscriptionNamesBody],
        answer=tables.SUBSCRIPTIONS.shape(),
    )
    def get(self, request: Request) -> HttpResponse:
        """Subscriptions in which an own account follows or is followed."""
        names = self.query(SubscriptionNamesBody)
        asked = tables.SUBSCRIPTIONS.asked(self.payload)
        found = _narrowed(selectors.subscriptions_either_side(self.actor), names)
        return tables.SUBSCRIPTIONS.answer(asked, found)


class CopyOrdersView(CopyView):
    @describe("Copy orders of own accounts", query=tables.ORDERS.parameters(), answer=tables.ORDERS.shape())
    def get(self, request: Request) -> HttpResponse:
        """What was decided for own accounts, as leaders and as followers.

        `detail` tells the figures of a refusal to the follower's owner only.
        """
        asked = tables.ORDERS.asked(self.payload)
        return tables.ORDERS.answer(asked, selectors.copy_orders(self.actor))


class CopyOrderView(CopyView):
    @describe(
        "One copy order with the orders that carried it out",
        answer=extended(tables.ORDERS.row_shape(), legs=shapes.LEGS, quote_used=shapes.QUOTE_USED),
        errors={403: ("PERMISSION_DENIED",)},
    )
    def get(self, request: Request, record_id: str) -> Response:
        """One copy order with the orders that carried it out and the quote they were filled at."""
        order = selectors.copy_order_seen(self.actor, int(record_id))
        row = tables.ORDERS.read(
            tables.ORDERS.asked({"limit": 1}), selectors.copy_orders(self.actor).filter(pk=order.pk)
        )
        legs = list(selectors.copy_order_legs(order))
        quoted = next((leg for leg in legs if leg.quote_bid is not None), None)
        return Response(
            {
                **dict(zip(row["structure"], row["rows"][0], strict=True)),
                "legs": [
                    {
                        "order": leg.trade_id,
                        "symbol": order.follower_symbol or order.symbol,
                        "volume": wire_of(leg.volume),
                        "price": leg.price,
                        "status": leg.status,
                    }
                    for leg in legs
                ],
                "quote_used": None if quoted is None else {"bid": quoted.quote_bid, "ask": quoted.quote_ask},
            }
        )


class PositionsView(CopyView):
    @describe("Open copied positions", query=tables.POSITIONS.parameters(), answer=tables.POSITIONS.shape())
    def get(self, request: Request) -> HttpResponse:
        """Open positions of own followers that come from copying, at current quotes."""
        asked = tables.POSITIONS.asked(self.payload)
        table = tables.positions_read(asked, selectors.positions(self.actor))
        return csv_response(table["structure"], table["rows"]) if asked.as_csv else Response(table)


class CopiedTradesView(CopyView):
    @describe("Closed copied trades", query=tables.COPIED_TRADES.parameters(), answer=tables.COPIED_TRADES.shape())
    def get(self, request: Request) -> HttpResponse:
        """Closed copies of own followers; `pnl` is after commission and storage."""
        asked = tables.COPIED_TRADES.asked(self.payload)
        return tables.COPIED_TRADES.answer(asked, selectors.copied_trades(self.actor))


class TradeLinksView(CopyView):
    @describe(
        "Which ticket belongs to which leader trade", query=tables.LINKS.parameters(), answer=tables.LINKS.shape()
    )
    def get(self, request: Request) -> HttpResponse:
        """Which ticket of a follower belongs to which trade of a leader."""
        asked = tables.LINKS.asked(self.payload)
        return tables.LINKS.answer(asked, selectors.trade_links(self.actor))


def _narrowed(found: QuerySet[CopySubscription], names: dict[str, Any]) -> QuerySet[CopySubscription]:
    paths = {
        "master_login": "leader__login",
        "master_account": "leader__login",
        "follower_login": "follower__login",
        "follower_account": "follower__login",
        "subscription_id": "pk",
    }
    for name, value in names.items():
        found = found.filter(**{paths[name]: value})
    return found
