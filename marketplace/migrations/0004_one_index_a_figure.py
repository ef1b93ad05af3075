from typing import Final

from django.db import migrations

RANKED: Final = (
    "roi", "twr", "equity_start", "win_rate", "avg_pnl_per_trade", "best_trade", "worst_trade", "profit_factor",
    "max_drawdown", "avg_holding_time", "last_trade_at", "sharp_ratio", "sortino_ratio", "risk_score",
    "followers_return", "followers_gap",
)  # fmt: skip


class Migration(migrations.Migration):
    """Rankings in both directions by one index: the one that served the smallest first, under the name of the other."""

    dependencies = [
        ("marketplace", "0003_age_and_ascending"),
    ]

    operations = [
        *(migrations.RemoveIndex("masterstats", f"stats_by_{name}") for name in RANKED),
        *(
            migrations.RenameIndex("masterstats", old_name=f"stats_up_{name}", new_name=f"stats_by_{name}")
            for name in RANKED
        ),
    ]
