"""The customer's subscriptions: what they made, what they hold now, and whether they hold what they should."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.models import CopySubscription, VolumeMode
from copytrade.models_commands import SyncLight, SyncState
from copytrade.reasons import detail
from copytrade.selectors import subscriptions_followed
from copytrade.selectors_commands import Heartbeat, heartbeats, sync_lights
from copytrade.selectors_masters import with_copied_results
from infra.actor import Actor
from portal import formats, reads
from portal.http import PortalRequest, customer_page
from portal.reward_reads import fees_of
from portal.speed import DAYS, speed_parts
from portal.words import PAUSE_REASONS, SYNC_REASONS, subscription_state
from rewards.selectors import waiting_terms

ENDED_SHOWN: Final = 10
_WORST_FIRST: Final = (SyncState.OUT_OF_SYNC, SyncState.LATE, SyncState.RESTING, SyncState.IN_SYNC)


@dataclass(frozen=True, slots=True)
class Difference:
    """One contract of an account that is not simply in sync. Volumes in lots, net, negative for short."""

    light: SyncLight
    words: str | Promise


@dataclass(slots=True)
class Sync:
    """How an account stands beside its leaders: the worst of its contracts, and those that differ."""

    state: SyncState = SyncState.IN_SYNC
    differences: list[Difference] = field(default_factory=list)


@customer_page
def listing(request: PortalRequest) -> HttpResponse:
    """All living subscriptions and the last ended ones. With copy trading off they can still be ended.

    A fixed number of queries, however many there are.
    """
    actor, shown = request.viewer.actor, request.viewer.shown
    living = subscriptions_followed(actor).select_related("leader", "follower", "master")
    found: list[Any] = list(with_copied_results(living.filter(follower__in=shown)).order_by("-created_at", "-pk"))
    copies = reads.open_copies_of(found)
    syncs = sync_of(sync_lights(actor).filter(follower__in=shown))
    beats = {beat.login: beat for beat in heartbeats(actor)} if found else {}
    ended = _ended(actor, shown)
    fees = fees_of([s.pk for s in (*found, *ended)])
    rows = [
        _row(s, copies[s.pk], syncs.get(s.follower_id, Sync()), beats.get(s.leader.login)) | {"fees": fees.get(s.pk)}
        for s in found
    ]
    context = {
        "rows": rows,
        "ended": [(s, fees.get(s.pk)) for s in ended],
        "waiting": list(waiting_terms(actor).filter(follower__in=shown).order_by("period_to", "pk")),
        "speed": speed_parts(actor, shown, request.at),
        "speed_days": DAYS,
    }
    return render(request, "portal/copying.html", context)


def _row(subscription: Any, copies: reads.OpenCopiesNow, sync: Sync, beat: Heartbeat | None) -> dict[str, Any]:
    state = subscription_state(enabled=subscription.enabled, status=subscription.status)
    return {
        "s": subscription,
        "state": state,
        "why": PAUSE_REASONS.get(subscription.pause_reason, "") if state == "paused" else "",
        "volume": volume_words(subscription),
        "copies": copies,
        "sync": sync,
        "beat": beat,
    }


def sync_of(lights: Iterable[SyncLight]) -> dict[int, Sync]:
    """The stored comparisons by account."""
    found: dict[int, Sync] = {}
    for light in lights:
        sync = found.setdefault(light.follower_id, Sync())
        state = SyncState(light.state)
        sync.state = min(sync.state, state, key=_WORST_FIRST.index)
        if state is not SyncState.IN_SYNC:
            sync.differences.append(Difference(light, SYNC_REASONS.get(light.why) or detail(light.why)))
    return found


def _ended(actor: Actor, shown: Sequence[TradingAccount]) -> list[Any]:
    """The last subscriptions that ended, with what they made."""
    over = CopySubscription.objects.filter(
        follower__customer_id=actor.user_id, follower__in=shown, master__isnull=False, ended_at__isnull=False
    ).select_related("leader", "follower", "master")
    return list(with_copied_results(over).order_by("-ended_at", "-pk")[:ENDED_SHOWN])


def volume_words(subscription: CopySubscription) -> str:
    """The sizing of a subscription in a few words."""
    if subscription.volume_mode == VolumeMode.FIXED:
        return _("%(lots)s lots fixed") % {"lots": formats.lots(subscription.fixed_volume)}
    factor = formats.number(subscription.risk_multiplier)
    if subscription.volume_mode == VolumeMode.MULTIPLIER:
        return _("× %(factor)s") % {"factor": factor}
    if subscription.volume_mode == VolumeMode.EQUITY_RATIO:
        return _("equity ratio × %(factor)s") % {"factor": factor}
    return _("balance ratio × %(factor)s") % {"factor": factor}
