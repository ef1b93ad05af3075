"""What a subscription's settings would have done with a master's last days (X05). Writes nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.selectors import account_named, product_config
from copytrade.engine.settings import settings_of_draft, stop_of_draft
from copytrade.models import CopyMaster, RewardPolicy
from copytrade.selectors_masters import master_shown
from copytrade.services.follower_stops import CLOSE_ALL
from copytrade.services.rewards import stored_terms
from copytrade.services.subscriptions import subscription_draft
from core.rounding import ZERO
from infra.actor import Actor
from infra.bulk import hot_cursor
from marketplace.domain.dry_run import DryRun
from marketplace.domain.dry_run_fees import reward_fees
from marketplace.services.dry_run_reads import Past, past_read
from marketplace.services.dry_run_replay import Replay


def dry_run_make(
    *,
    actor: Actor,
    master_login: int,
    follower_login: int | None = None,
    days: int,
    settings: Mapping[str, Any],
    at: datetime,
) -> DryRun:
    """Replays the master's events of the last `days` against an account that would have followed all the time.

    With `follower_login` it has that account's terms and begins with its equity of now, else the master's terms and its
    equity of then; without positions in either case. `settings` as for a subscription. Errors: 400 `INVALID_DATA`, 400
    `ACCOUNT_NOT_FOUND`, 403 `INVALID_FOLLOWER_ACCOUNT`, `MASTER_NOT_FOUND`, `MASTER_NOT_AVAILABLE`.
    """
    config = product_config()
    draft = subscription_draft(settings, config)
    follower = None
    if follower_login is not None:
        follower = account_named(actor, follower_login, foreign_code="INVALID_FOLLOWER_ACCOUNT")
    master = master_shown(actor, master_login)
    past = past_read(
        hot_cursor(),
        leader_id=master.account_id,
        account_id=master.account_id if follower is None else follower.pk,
        begin=at - timedelta(days=days),
        end=at,
    )
    decided = settings_of_draft(draft, master, config, leader_currency=master.account.currency)
    stop = stop_of_draft(draft, master, config, past.account.balance)
    made = Replay(past, decided, stop, close_all=draft.stop_action == CLOSE_ALL).run()
    return replace(made, rewards=_rewards(actor, master, past, made))


def _rewards(actor: Actor, master: CopyMaster, past: Past, made: DryRun) -> Decimal:
    """What the master's terms as they are now would have cost; nothing between accounts of one customer."""
    policy: RewardPolicy = master.reward_policy
    if not policy.enabled or master.customer_id == actor.user_id:
        return ZERO
    rate = past.market.rate(policy.currency, made.currency)
    return reward_fees(
        stored_terms(policy),
        closed=made.closed,
        curve=made.curve,
        rate=ZERO if rate is None else rate,
        currency=made.currency,
    )
