"""What the addresses of copy trading answer, for the description of the API. `objects` writes what stands here."""

from typing import Final

from copytrade.domain.limits import LIMITS, Whose
from copytrade.domain.rewards_terms import DAY_COUNTS, BillingPeriod, HwmConvention, RewardType
from copytrade.models import (
    CopyMode,
    FollowerModes,
    MasterStatus,
    SubscriptionStatus,
    SymbolsMode,
    Visibility,
    VolumeMode,
)
from core.states import ManualTradingMode
from infra.api.shapes import Shape, code, extended, flag, many, nullable, number, record, seconds, text, whole, word

POLICY: Final = record(
    reward_type=code(*RewardType),
    enabled=flag(),
    billing_period=word(*BillingPeriod),
    fee_amount=number("29"),
    fee_percent=number(),
    currency=text("USD"),
    payout_account_login=whole(100001),
    hwm_enabled=flag(),
    hwm_convention=word(*HwmConvention),
    day_count=code(*DAY_COUNTS),
)
MASTER: Final = record(
    id=whole(7),
    login=whole(100001),
    enabled=flag(),
    strategy_name=text("Steady Trend"),
    description=text("Follows the larger moves of the major pairs."),
    visibility=word(*Visibility),
    allowed_follower_modes=code(*FollowerModes),
    show_trade_history=flag(),
    show_followers=flag(0),
    max_followers=whole(0),
    bound_max_positions=whole(10),
    bound_min_equity=number(500),
    bound_slippage_tolerance=number(),
    bound_max_loss=number(),
    bound_max_loss_percent=number(),
    bound_max_drawdown_percent=number(30),
    status=word(*MasterStatus),
    created_time=seconds(),
    updated_time=seconds(),
    reward_policy=POLICY,
)
MANAGED_MASTER: Final = extended(
    MASTER,
    customer=text("anna@example.com"),
    customer_id=whole(17),
    currency=text("USD"),
    published_time=seconds(),
    ended_time=seconds(0),
)
FOLLOWER: Final = record(
    id=whole(9),
    login=whole(100002),
    enabled=flag(),
    manual_trading_mode=code(*ManualTradingMode),
    max_master_count=whole(3),
    created_time=seconds(),
    updated_time=seconds(),
)
_EFFECTIVE: Final = record(value=number(10), **{"from": nullable(word(*Whose))})
SUBSCRIPTION: Final = record(
    id=whole(21),
    master_login=whole(100001),
    follower_login=whole(100002),
    enabled=flag(),
    status=code(*SubscriptionStatus),
    pause_reason=text(),
    copy_mode=code(*CopyMode),
    volume_mode=code(*VolumeMode),
    risk_multiplier=number("0.5"),
    fixed_volume=whole(0),
    copy_sl=flag(),
    copy_tp=flag(),
    copy_partial_close=flag(),
    copy_pending_orders=flag(),
    fill_wait_seconds=whole(0),
    copy_existing_positions=flag(0),
    reverse_direction=flag(0),
    max_volume=whole(0),
    min_volume=whole(0),
    max_positions=whole(0),
    symbols_mode=code(*SymbolsMode),
    symbols=text(),
    auto_variant=flag(),
    min_equity=number(),
    slippage_tolerance=number(),
    max_signal_age_seconds=whole(60),
    max_loss=number(),
    max_loss_percent=number(),
    max_drawdown_percent=number(),
    stop_action=code(0, 1),
    effective=record(**dict.fromkeys(LIMITS, _EFFECTIVE)),
    created_time=seconds(),
    updated_time=seconds(),
)
OWN: Final = record(masters=many(MASTER), followers=many(FOLLOWER), subscriptions=many(SUBSCRIPTION))
DELETED: Final = record(deleted=Shape({"const": True}, True))
LEGS: Final = many(
    record(
        order=nullable(whole(5000002)),
        symbol=text("EURUSD"),
        volume=whole(10),
        price=nullable(number("1.0842")),
        status=text("FILLED"),
    )
)
QUOTE_USED: Final = nullable(record(bid=number("1.08412"), ask=number("1.0842")))
