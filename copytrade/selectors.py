"""The reads of copy trading. Those for request code take the actor and never give what it may not see."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import ProductConfig
from accounts.selectors import accounts, product_config
from copytrade.domain.limits import LIMITS, Limit, tightest
from copytrade.models import (
    CopyFollower,
    CopyMaster,
    CopyOrder,
    CopySubscription,
    RewardPolicy,
    TradeLink,
)
from copytrade.selectors_masters import LISTED
from core.errors import forbidden, not_found
from core.ids import copy_client_order_id
from core.rounding import ZERO
from core.states import LinkState, TradeState
from infra.actor import Actor
from infra.bulk import hot_cursor
from trading.domain.values import Market
from trading.models import Order, Trade
from trading.services.desk import desk_open

# --- Single records, named by their id in the path -------------------------------------------------------------------


def master_owned(actor: Actor, master_id: int) -> CopyMaster:
    """The actor's living master profile: 404 for an unknown id, 403 for another customer's."""
    return _owned(masters_of_tenant(), master_id, actor)


def follower_owned(actor: Actor, follower_id: int) -> CopyFollower:
    """The actor's living follower profile: 404 for an unknown id, 403 for another customer's."""
    return _owned(followers_of_tenant(), follower_id, actor)


def subscription_owned(actor: Actor, subscription_id: int) -> CopySubscription:
    """The living subscription of one of the actor's follower accounts: 404 for an unknown id, 403 for another's."""
    found = subscriptions_of_tenant().filter(pk=subscription_id).first()
    if found is None:
        raise not_found(_("There is no such record."))
    if found.follower.customer_id != actor.user_id:
        raise forbidden("PERMISSION_DENIED", _("This record is not yours."))
    return found


def reward_policy_of(master: CopyMaster) -> RewardPolicy:
    """The terms of a master, with the payout account."""
    policy: RewardPolicy = RewardPolicy.objects.select_related("payout_account").get(master_id=master.pk)
    return policy


# --- Lists -----------------------------------------------------------------------------------------------------------


def masters_of_tenant() -> QuerySet[CopyMaster]:
    """Living profiles with account and terms, newest first."""
    return (
        CopyMaster.objects.filter(ended_at__isnull=True)
        .select_related("account", "reward_policy__payout_account")
        .order_by("-created_at", "-pk")
    )


def masters_visible(actor: Actor) -> QuerySet[CopyMaster]:
    """What the actor may find: active, enabled, public masters, and always the own ones.

    With `own` and `followers`: the number of living subscriptions, those of the master's own customer left out.
    """
    own = Q(customer_id=actor.user_id)
    return (
        masters_of_tenant()
        .filter(LISTED | own)
        .annotate(
            own=Case(When(own, then=Value(True)), default=Value(False)),
            followers=living_followers("pk", "customer_id"),
        )
    )


def living_followers(master: str, customer: str) -> Coalesce:
    """How many follow a master at this moment, those of its own customer left out (D26); for an annotation of rows whose
    master's id and customer's id have these names."""
    living = (
        CopySubscription.objects.filter(master_id=OuterRef(master), ended_at__isnull=True)
        .exclude(follower__customer_id=OuterRef(customer))
        .order_by()
        .values("master_id")
        .annotate(number=Count("pk"))
        .values("number")
    )
    return Coalesce(Subquery(living), Value(0), output_field=BigIntegerField())


def masters_own(actor: Actor) -> QuerySet[CopyMaster]:
    """The actor's living master profiles."""
    return masters_of_tenant().filter(customer_id=actor.user_id)


def followers_of_tenant() -> QuerySet[CopyFollower]:
    """Living follower profiles with their accounts, newest first."""
    return CopyFollower.objects.filter(ended_at__isnull=True).select_related("account").order_by("-created_at", "-pk")


def followers_own(actor: Actor) -> QuerySet[CopyFollower]:
    """The actor's living follower profiles."""
    return followers_of_tenant().filter(customer_id=actor.user_id)


def subscriptions_of_tenant() -> QuerySet[CopySubscription]:
    """Living subscriptions to masters with both accounts, newest update first."""
    return (
        CopySubscription.objects.filter(master__isnull=False, ended_at__isnull=True)
        .select_related("leader", "follower", "master")
        .order_by("-updated_at", "-pk")
    )


def limits_of(subscription: CopySubscription, config: ProductConfig | None = None) -> dict[str, Limit]:
    """The limits that hold for a master's subscription, and whose they are (D19); `config` is read where not given."""
    master = subscription.master
    assert master is not None
    return limits_under(master, {name: Decimal(getattr(subscription, name)) for name in LIMITS}, config)


def limits_under(
    master: CopyMaster, own: Mapping[str, Decimal], config: ProductConfig | None = None
) -> dict[str, Limit]:
    """The limits that hold for who follows `master` with these of their own, and whose they are; without own ones, what
    master and tenant ask of everybody."""
    config = config or product_config()
    return {
        name: tightest(
            name,
            follower=own.get(name, ZERO),
            master=Decimal(getattr(master, f"bound_{name}")),
            tenant=Decimal(getattr(config, f"copy_bound_{name}")),
        )
        for name in LIMITS
    }


def subscriptions_followed(actor: Actor) -> QuerySet[CopySubscription]:
    """Living subscriptions of the actor's follower accounts."""
    return subscriptions_of_tenant().filter(follower__customer_id=actor.user_id)


def subscriptions_either_side(actor: Actor) -> QuerySet[CopySubscription]:
    """Living subscriptions in which one of the actor's accounts follows or is followed."""
    return subscriptions_of_tenant().filter(_either_side(actor))


def copy_orders(actor: Actor) -> QuerySet[CopyOrder]:
    """What was decided for the actor's accounts in both roles.

    With `own`: whether the follower is the actor's. Only then the figures of a refusal (an equity, a margin) are theirs
    to read.
    """
    own = Q(follower_id__in=_own_ids(actor))
    return CopyOrder.objects.filter(_either_side(actor)).annotate(
        group_id=_group_of_subscription(), own=Case(When(own, then=Value(True)), default=Value(False))
    )


def copy_order_seen(actor: Actor, order_id: int) -> CopyOrder:
    """One copy order of either side: 404 for an unknown id, 403 for other customers'."""
    order = CopyOrder.objects.select_related("leader", "follower").filter(pk=order_id).first()
    if order is None:
        raise not_found(_("There is no such copy order."))
    if actor.user_id not in (order.leader.customer_id, order.follower.customer_id):
        raise forbidden("PERMISSION_DENIED", _("This copy order is not yours."))
    return order


def copy_order_legs(order: CopyOrder) -> QuerySet[Order]:
    """The follower's orders that carry out a copy order, in the order of their legs."""
    first = copy_client_order_id(
        source_kind=order.source_kind, source_id=order.source_id, subscription_id=order.subscription_id
    )
    stem = first.rsplit(":", 2)[0] + ":"
    return Order.objects.filter(account_id=order.follower_id, client_order_id__startswith=stem).order_by("pk")


def trade_links(actor: Actor) -> QuerySet[TradeLink]:
    """Links of the actor's accounts in both roles."""
    return TradeLink.objects.filter(_either_side(actor))


def positions(actor: Actor) -> QuerySet[TradeLink]:
    """What the actor's follower accounts hold because of leaders: one row per active link."""
    found = TradeLink.objects.filter(follower_id__in=_own_ids(actor), state=LinkState.ACTIVE, resting=False)
    return found.annotate(group_id=_group_of_subscription())


def copied_trades(actor: Actor) -> QuerySet[Trade]:
    """Closed records of copies on the actor's accounts, split-off parts included."""
    return Trade.objects.filter(
        account_id__in=_own_ids(actor), copied=True, state__in=(TradeState.CLOSED, TradeState.CLOSED_PART)
    ).annotate(net_profit=F("profit") + F("commission") + F("storage"))


def market_of(symbols: Iterable[str]) -> Market:
    """The quotes in force of these symbols, with what converts their currencies; for showing."""
    return desk_open(hot_cursor(), [], sorted(set(symbols)), lock=False).market


def refusal_params(text: str) -> dict[str, Any]:
    """The values of a refusal as the copy order stores them."""
    values = json.loads(text, parse_float=Decimal) if text else {}
    return values if isinstance(values, dict) else {}


def _group_of_subscription() -> Subquery:
    """The copy group of a row with a `subscription_id`; null for a master's."""
    return Subquery(CopySubscription.objects.filter(pk=OuterRef("subscription_id")).order_by().values("group_id"))


def _own_ids(actor: Actor) -> Any:
    return accounts(actor).order_by().values("pk")


def _either_side(actor: Actor) -> Q:
    own = _own_ids(actor)
    return Q(leader_id__in=own) | Q(follower_id__in=own)


def _owned(found: QuerySet[Any], record_id: int, actor: Actor) -> Any:
    record = found.filter(pk=record_id).first()
    if record is None:
        raise not_found(_("There is no such record."))
    if record.customer_id != actor.user_id:
        raise forbidden("PERMISSION_DENIED", _("This record is not yours."))
    return record
