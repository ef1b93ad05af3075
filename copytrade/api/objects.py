"""The contract's objects: CopyMaster, RewardPolicy, CopyFollower and CopySubscription, with exactly their keys."""

from collections.abc import Mapping
from typing import Any

from copytrade.domain.limits import LIMITS, Limit
from copytrade.models import CopyFollower, CopyMaster, CopySubscription
from copytrade.services.rewards import StoredTerms
from core.clock import unix
from core.volume import wire_of


def master_object(master: CopyMaster) -> dict[str, Any]:
    """CopyMaster (needs `account` and `reward_policy__payout_account` loaded)."""
    return {
        "id": master.pk,
        "login": master.account.login,
        "enabled": int(master.enabled),
        "strategy_name": master.strategy_name,
        "description": master.description,
        "visibility": master.visibility,
        "allowed_follower_modes": master.allowed_follower_modes,
        "show_trade_history": int(master.show_trade_history),
        "show_followers": int(master.show_followers),
        "max_followers": master.max_followers,
        **{f"bound_{name}": getattr(master, f"bound_{name}") for name in LIMITS},
        "status": master.status,
        "created_time": unix(master.created_at),
        "updated_time": unix(master.updated_at),
        "reward_policy": policy_object(master.reward_policy),
    }


def managed_master_object(master: CopyMaster) -> dict[str, Any]:
    """CopyMaster as staff see it (needs `customer` loaded too)."""
    return {
        **master_object(master),
        "customer": master.customer.email,
        "customer_id": master.customer_id,
        "currency": master.account.currency,
        "published_time": unix(master.published_at),
        "ended_time": unix(master.ended_at),
    }


def policy_object(policy: StoredTerms) -> dict[str, Any]:
    """RewardPolicy (needs `payout_account` loaded)."""
    return {
        "reward_type": policy.reward_type,
        "enabled": int(policy.enabled),
        "billing_period": policy.billing_period,
        "fee_amount": policy.fee_amount,
        "fee_percent": policy.fee_percent,
        "currency": policy.currency,
        "payout_account_login": policy.payout_account.login,
        "hwm_enabled": int(policy.hwm_enabled),
        "hwm_convention": policy.hwm_convention,
        "day_count": policy.day_count,
    }


def follower_object(follower: CopyFollower) -> dict[str, Any]:
    """CopyFollower (needs `account` loaded)."""
    return {
        "id": follower.pk,
        "login": follower.account.login,
        "enabled": int(follower.enabled),
        "manual_trading_mode": follower.account.manual_trading_mode,
        "max_master_count": follower.max_master_count,
        "created_time": unix(follower.created_at),
        "updated_time": unix(follower.updated_at),
    }


def subscription_object(subscription: CopySubscription, limits: Mapping[str, Limit]) -> dict[str, Any]:
    """CopySubscription (needs `leader` and `follower` loaded) with the `limits` that hold for it.

    `copy_existing_positions` is an order that acts with the request, not a setting: it always reads 0.
    """
    return {
        "id": subscription.pk,
        "master_login": subscription.leader.login,
        "follower_login": subscription.follower.login,
        "enabled": int(subscription.enabled),
        "status": subscription.status,
        "pause_reason": subscription.pause_reason,
        "copy_mode": subscription.copy_mode,
        "volume_mode": subscription.volume_mode,
        "risk_multiplier": subscription.risk_multiplier,
        "fixed_volume": wire_of(subscription.fixed_volume),
        "copy_sl": int(subscription.copy_sl),
        "copy_tp": int(subscription.copy_tp),
        "copy_partial_close": int(subscription.copy_partial_close),
        "copy_pending_orders": int(subscription.copy_pending_orders),
        "fill_wait_seconds": subscription.fill_wait_seconds,
        "copy_existing_positions": 0,
        "reverse_direction": int(subscription.reverse_direction),
        "max_volume": wire_of(subscription.max_volume),
        "min_volume": wire_of(subscription.min_volume),
        "max_positions": subscription.max_positions,
        "symbols_mode": subscription.symbols_mode,
        "symbols": subscription.symbols,
        "auto_variant": int(subscription.auto_variant),
        "min_equity": subscription.min_equity,
        "slippage_tolerance": subscription.slippage_tolerance,
        "max_signal_age_seconds": subscription.max_signal_age_seconds,
        "max_loss": subscription.max_loss,
        "max_loss_percent": subscription.max_loss_percent,
        "max_drawdown_percent": subscription.max_drawdown_percent,
        "stop_action": subscription.stop_action,
        "effective": {
            name: {"value": limit.value, "from": limit.whose.value if limit.whose else None}
            for name, limit in limits.items()
        },
        "created_time": unix(subscription.created_at),
        "updated_time": unix(subscription.updated_at),
    }
