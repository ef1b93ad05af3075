"""Explain (X01): the whole story of one leader order for one follower, also where nothing was copied."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from accounts.models import Tenant, TradingAccount, User
from copytrade import reasons, story_words
from copytrade.models import CopyMaster, CopyOrder, CopySubscription, LeaderShard, TradeLink
from copytrade.selectors import refusal_params
from core.errors import forbidden, not_found
from core.rounding import ZERO, plain
from core.states import CopyStatus, EventKind, LinkState, Origin, TradeState
from infra.actor import Actor
from trading.models import AccountEvent, Trade

_NEAR: Final = timedelta(seconds=2)
"""How far apart a link's end and the copy that ended it may be noted."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened or that did not. `what` is whose: LEADER, COPY, SUBSCRIPTION or POSITION.

    `code` is a refusal's code or one of `story_words`; `values` only those that the reader may see.
    """

    at: datetime
    what: str
    code: str
    sentence: str
    next_step: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, oldest first, and what it means for what is open now."""

    leader_order: int
    leader_login: int
    follower_login: int
    symbol: str
    steps: list[Step]
    now: Step


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose figures the reader may see, and on whose clocks the story is told."""

    leader: bool
    follower: bool
    zone: ZoneInfo

    def clock(self, at: datetime) -> str:
        """An instant as it is written into a sentence."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M %Z}"


def explain(
    actor: Actor, *, leader_order: int, follower_login: int, at: datetime, zone: ZoneInfo | None = None
) -> Story:
    """The story of a leader's order for a follower's account, as far as the actor may see it, told on the clocks of
    `zone`; without one on the actor's.

    Customers see those in which an own account leads or follows: 404 for an order or an account that does not exist, 403
    for others' and for two accounts that never copied each other unless both are the actor's.
    """
    trade = Trade.objects.select_related("account").filter(pk=leader_order, cmd__lt=6).first()
    follower = TradingAccount.objects.filter(login=follower_login).first()
    if trade is None or follower is None:
        raise not_found(_("There is no such order or account."))
    leads, follows = _owns(actor, trade.account), _owns(actor, follower)
    joined = CopySubscription.objects.filter(leader_id=trade.account_id, follower_id=follower.pk).exists()
    if not (leads and follows) and not ((leads or follows) and joined):
        raise forbidden("PERMISSION_DENIED", _("This order does not concern your accounts."))
    shown = leads or CopyMaster.objects.filter(account_id=trade.account_id, show_trade_history=True).exists()
    return story_of(trade, follower, Sight(leader=shown, follower=follows, zone=zone or zone_of(actor)), at=at)


def story_of(trade: Trade, follower: TradingAccount, sight: Sight, *, at: datetime) -> Story:
    """The story of `trade`, which is the leader's, for `follower`. At most seven queries."""
    happened = AccountEvent.objects.filter(account_id=trade.account_id, trade_id=trade.pk)
    if not trade.copied:  # as good as always: then the index without copies finds them
        happened = happened.exclude(origin=Origin.COPY)
    events = list(happened.order_by("seq"))
    subscriptions = list(
        CopySubscription.objects.filter(leader_id=trade.account_id, follower_id=follower.pk).order_by(
            "created_at", "pk"
        )
    )
    ids = [subscription.pk for subscription in subscriptions]
    orders = list(
        CopyOrder.objects.filter(follower_id=follower.pk, leader_trade_id=trade.pk, subscription_id__in=ids).order_by(
            "decided_at", "pk"
        )
    )
    links = list(
        TradeLink.objects.filter(leader_trade_id=trade.pk, subscription_id__in=ids, follower_id=follower.pk).order_by(
            "pk"
        )
    )
    cursors = dict(
        LeaderShard.objects.filter(pk__in={subscription.shard_id for subscription in subscriptions}).values_list(
            "pk", "cursor"
        )
    )
    steps = _life(subscriptions)
    steps += [_event_step(event, sight) for event in events]
    steps += [_order_step(order, sight) for order in orders]
    steps += [step for link in links if (step := _end_step(link, orders, sight)) is not None]
    told = {order.source_id for order in orders if order.source_kind == "E"}
    linked = bool(links)
    for event in events:
        if event.pk not in told and (EventKind(event.kind).is_entry or EventKind(event.kind).is_exit):
            steps.append(_silence(event, subscriptions, cursors, linked, sight))
    steps.sort(key=lambda step: step.at)  # stable: what is told first here comes first of its instant
    return Story(
        leader_order=trade.pk,
        leader_login=trade.account.login,
        follower_login=follower.login,
        symbol=trade.symbol,
        steps=steps,
        now=_now(trade, links, at, sight),
    )


def zone_of(actor: Actor) -> ZoneInfo:
    """The reader's zone, else the tenant's."""
    own = User.objects.filter(pk=actor.user_id).values_list("timezone", flat=True).first() if actor.user_id else ""
    return tenant_zone(actor.tenant_id, own or "")


def tenant_zone(tenant_id: int, preferred: str = "") -> ZoneInfo:
    """The preferred zone, else the tenant's, else UTC."""
    for name in (preferred, Tenant.objects.values_list("timezone", flat=True).get(pk=tenant_id)):
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    return ZoneInfo("UTC")


def _owns(actor: Actor, account: TradingAccount) -> bool:
    return actor.is_staff or account.customer_id == actor.user_id


def _step(at: datetime, what: str, code: str, words: Mapping[str, Any], values: dict[str, Any] | None = None) -> Step:
    return Step(at, what, code, story_words.sentence(code, words), story_words.next_step(code), values or {})


def _event_step(event: AccountEvent, sight: Sight) -> Step:
    always = {"side": event.side, "symbol": event.symbol}
    if not sight.leader:
        return _step(event.at, "LEADER", f"LEADER_{event.kind}", always, always)
    lots = abs(event.volume_after - event.volume_before) or event.volume_after
    figures = {name: plain(getattr(event, name)) for name in ("price", "sl", "tp")} | {"lots": plain(lots)}
    return _step(event.at, "LEADER", f"LEADER_{event.kind}", always | _told(figures), always | figures)


def _life(subscriptions: Iterable[CopySubscription]) -> list[Step]:
    steps = []
    for subscription in subscriptions:
        values = {"subscription_id": subscription.pk}
        steps.append(_step(subscription.created_at, "SUBSCRIPTION", "SUBSCRIBED", {}, values))
        if subscription.ended_at is not None:
            steps.append(_step(subscription.ended_at, "SUBSCRIPTION", "SUBSCRIPTION_ENDED", {}, values))
    return steps


def _order_step(order: CopyOrder, sight: Sight) -> Step:
    values: dict[str, Any] = {"copy_order": order.pk, "action": order.action, "status": order.status}
    params: dict[str, Any] = {}
    if sight.follower:
        params = refusal_params(order.params)
        values |= {"lots": plain(order.volume), "order": order.follower_trade_id, "contract": order.follower_symbol}
        values |= {"slippage": None if order.slippage is None else plain(order.slippage), **params}
    if order.reason:
        told, step = reasons.detail(order.reason, params), reasons.next_step(order.reason)
        return Step(order.decided_at, "COPY", order.reason, told, step, values)
    shown = _told(values) if order.status == CopyStatus.FILLED and sight.follower else {}
    return _step(order.decided_at, "COPY", order.status, shown, values)


def _end_step(link: TradeLink, orders: Iterable[CopyOrder], sight: Sight) -> Step | None:
    """A link that ended without a copy order to tell of it."""
    if link.state == LinkState.ACTIVE:
        return None
    told = any(
        abs(order.decided_at - link.updated_at) <= _NEAR and order.action in ("REDUCE", "CLOSE") for order in orders
    )
    if told and link.state == LinkState.CLOSED:
        return None
    code = "COPY_UNTRACKED" if link.state == LinkState.UNTRACKED else "COPY_CLOSED_OTHERWISE"
    values = {"order": link.follower_trade_id} if sight.follower else {}
    return _step(link.updated_at, "POSITION", code, {}, values)


def _silence(
    event: AccountEvent,
    subscriptions: Iterable[CopySubscription],
    cursors: Mapping[int, int],
    linked: bool,
    sight: Sight,
) -> Step:
    """Why an event left no copy order."""
    later = earlier = None
    for subscription in subscriptions:
        if subscription.entries_from_seq > event.seq:
            later = later or subscription
        elif subscription.ended_at is None or subscription.ended_at > event.at:
            waiting = cursors.get(subscription.shard_id, 0) < event.seq
            return _step(event.at, "COPY", "WAITING" if waiting else "NO_COPY", {})
        else:
            earlier = subscription
    if EventKind(event.kind).is_exit and linked:
        return _step(event.at, "COPY", "NO_COPY", {})
    if later is not None:
        return _step(event.at, "COPY", "NOT_SUBSCRIBED", {"until": sight.clock(later.created_at)})
    if earlier is not None and earlier.ended_at is not None:
        return _step(event.at, "COPY", "SUBSCRIPTION_OVER", {"since": sight.clock(earlier.ended_at)})
    return _step(event.at, "COPY", "NEVER_SUBSCRIBED", {})


def _now(trade: Trade, links: Iterable[TradeLink], at: datetime, sight: Sight) -> Step:
    active = [link for link in links if link.state == LinkState.ACTIVE]
    let_go = [link.follower_trade_id for link in links if link.state == LinkState.UNTRACKED]
    own = _still_open(let_go) if let_go and not active else []
    leader_open = trade.state == TradeState.OPEN
    waiting = leader_open and trade.cmd > 1
    if active and not waiting:
        code = "NOW_BOTH_OPEN" if leader_open else "NOW_FOLLOWER_ONLY"
    elif own:
        code = "NOW_OWN"
    elif waiting:
        code = "NOW_PENDING"
    else:
        code = "NOW_LEADER_ONLY" if leader_open else "NOW_FLAT"
    values: dict[str, Any] = {}
    if sight.follower and active:
        values = {
            "orders": [link.follower_trade_id for link in active],
            "lots": plain(sum((k.volume for k in active), ZERO)),
        }
    elif sight.follower and own:
        values = {"orders": own}
    return _step(at.astimezone(UTC), "POSITION", code, {}, values)


def _still_open(orders: Iterable[int]) -> list[int]:
    return list(Trade.objects.filter(pk__in=orders, state=TradeState.OPEN).order_by("pk").values_list("pk", flat=True))


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for sentences: what is zero is not told."""
    return {name: value for name, value in values.items() if value}
