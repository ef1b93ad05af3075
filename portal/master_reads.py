"""Masters as pages show them: found for a viewer, with their terms in words."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from copytrade.domain.rewards_terms import RewardType
from copytrade.models import CopyMaster, FollowerModes
from copytrade.selectors import masters_visible
from infra.actor import Actor
from marketplace.domain.periods import Period
from marketplace.models import MasterStats
from portal.terms import terms_example, terms_of
from portal.words import FEE_TYPES, FOLLOWER_MODES
from trading.selectors import market_records, trade_type

CLOSED = 2
"""The contract's `tradeType` of closed trades."""


def master_seen(actor: Actor, login: int) -> Any:
    """The living master on the account with this login, as `masters_visible` gives it; 404 when the viewer may not see it."""
    found = masters_visible(actor).filter(account__login=login).first()
    if found is None:
        raise Http404
    return found


def figures_of(masters: Sequence[CopyMaster], period: Period) -> dict[int, MasterStats]:
    """The stored statistics of these masters for one period, by master; those that ended keep theirs."""
    found = MasterStats.objects.filter(master_id__in=[master.pk for master in masters], period=period)
    return {stats.master_id: stats for stats in found}


def with_figures(masters: Sequence[CopyMaster], period: Period) -> list[tuple[CopyMaster, MasterStats]]:
    """Each master beside its statistics; those of one without any are empty."""
    figures = figures_of(masters, period)
    return [(master, figures.get(master.pk) or MasterStats()) for master in masters]


def gap_parts(stats: MasterStats) -> list[tuple[str, Decimal]]:
    """Where the gap between the followers' return and the master's comes from, in words; empty where it is not known."""
    words = (
        ("gap_slippage", _("Fills at other prices than the master's")),
        ("gap_fees", _("Commissions and fees")),
        ("gap_skipped", _("Trades that were not copied")),
        ("gap_other", _("Everything else: sizes, open positions, days without followers")),
    )
    return [(sentence, part) for name, sentence in words if (part := getattr(stats, name)) is not None]


def closed_trades(master: CopyMaster) -> QuerySet[Any]:
    """The closed trades of the master's account, the newest first, for whom they are shown to."""
    closed = market_records(master.account_id).filter(trade_type(CLOSED, deleted_too=False))
    return closed.order_by("-close_at", "-pk")


def master_shown(found: Any) -> dict[str, Any]:
    """What every page about a master says of it."""
    return {
        "master": found,
        "terms": terms_of(found),
        "example": terms_example(found.reward_policy, found.account.currency),
        "fee": FEE_TYPES[RewardType(found.reward_policy.reward_type)] if found.reward_policy.enabled else _("Free"),
        "admits": FOLLOWER_MODES[FollowerModes(found.allowed_follower_modes)],
        "full": bool(found.max_followers) and found.followers >= found.max_followers,
    }
