"""The columns by which masters are filtered and sorted: those of the profile, and those of its figures."""

from collections.abc import Mapping
from typing import Any, Final

from copytrade.domain.limits import LIMITS
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, WHOLE, Column

PROFILE: Final[Mapping[str, Column]] = {
    "id": Column("master_id", WHOLE),
    "login": Column("master__account__login", WHOLE),
    "enabled": Column("master__enabled", FLAG),
    "strategy_name": Column("master__strategy_name", TEXT),
    "description": Column("master__description", TEXT),
    "visibility": Column("master__visibility", TEXT),
    "allowed_follower_modes": Column("master__allowed_follower_modes", WHOLE),
    "show_trade_history": Column("master__show_trade_history", FLAG),
    "show_followers": Column("master__show_followers", FLAG),
    "max_followers": Column("master__max_followers", WHOLE),
    **{
        f"bound_{name}": Column(f"master__bound_{name}", WHOLE if name == "max_positions" else DECIMAL)
        for name in LIMITS
    },
    "status": Column("master__status", TEXT),
    "created_time": Column("master__created_at", TIME),
    "updated_time": Column("master__updated_at", TIME),
    "currency": Column("master__account__currency", TEXT),
    "reward_policy.reward_type": Column("master__reward_policy__reward_type", WHOLE),
    "reward_policy.enabled": Column("master__reward_policy__enabled", FLAG),
    "reward_policy.billing_period": Column("master__reward_policy__billing_period", TEXT),
    "reward_policy.fee_amount": Column("master__reward_policy__fee_amount", DECIMAL),
    "reward_policy.fee_percent": Column("master__reward_policy__fee_percent", DECIMAL),
    "reward_policy.currency": Column("master__reward_policy__currency", TEXT),
    "reward_policy.payout_account_login": Column(
        "master__reward_policy__payout_account__login", WHOLE, filterable=False
    ),
    "reward_policy.hwm_enabled": Column("master__reward_policy__hwm_enabled", FLAG),
    "reward_policy.hwm_convention": Column("master__reward_policy__hwm_convention", TEXT),
    "reward_policy.day_count": Column("master__reward_policy__day_count", WHOLE),
}


def _seconds_or_none(instant: Any) -> int | None:
    return None if instant is None else int(instant.timestamp())


FIGURES: Final[Mapping[str, Column]] = {
    **{name: Column(name, DECIMAL) for name in ("pnl", "roi", "twr", "equity_start", "equity_end")},
    **{name: Column(name, WHOLE) for name in ("trades", "profit_trades", "loss_trades")},
    **{
        name: Column(name, DECIMAL)
        for name in (
            "win_rate", "avg_pnl_per_trade", "best_trade", "worst_trade", "profit_factor", "max_drawdown",
        )
    },
    "followers": Column("followers", WHOLE),
    **{name: Column(name, DECIMAL) for name in ("aum", "weekly_trades", "avg_holding_time")},
    # Undefined is null here, as for every figure.
    "last_trade_time": Column("last_trade_at", TIME, to_wire=_seconds_or_none),
    **{name: Column(name, DECIMAL) for name in ("sharp_ratio", "sortino_ratio")},
    "risk_score": Column("risk_score", WHOLE),
    **{name: Column(name, DECIMAL) for name in ("followers_return", "followers_gap")},
    **{f"gap_parts.{name}": Column(f"gap_{name}", DECIMAL) for name in ("slippage", "fees", "skipped", "other")},
}  # fmt: skip
"""The figures of `GET /copytrade/master/stats`, lists aside, by their names there."""
HISTORY: Final = Column("days", WHOLE)
"""How many closed trading days the figures of a period are made of."""
