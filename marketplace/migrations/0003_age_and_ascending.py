from django.db import migrations, models


class Migration(migrations.Migration):
    """How old figures are, and rankings from the smallest up."""

    dependencies = [
        ("marketplace", "0002_followers_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="statscursor",
            name="refreshed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "roi", "master"],
                name="stats_up_roi",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "twr", "master"],
                name="stats_up_twr",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "equity_start", "master"],
                name="stats_up_equity_start",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "win_rate", "master"],
                name="stats_up_win_rate",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "avg_pnl_per_trade", "master"],
                name="stats_up_avg_pnl_per_trade",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "best_trade", "master"],
                name="stats_up_best_trade",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "worst_trade", "master"],
                name="stats_up_worst_trade",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "profit_factor", "master"],
                name="stats_up_profit_factor",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "max_drawdown", "master"],
                name="stats_up_max_drawdown",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "avg_holding_time", "master"],
                name="stats_up_avg_holding_time",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "last_trade_at", "master"],
                name="stats_up_last_trade_at",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "sharp_ratio", "master"],
                name="stats_up_sharp_ratio",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "sortino_ratio", "master"],
                name="stats_up_sortino_ratio",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "risk_score", "master"],
                name="stats_up_risk_score",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "followers_return", "master"],
                name="stats_up_followers_return",
            ),
        ),
        migrations.AddIndex(
            model_name="masterstats",
            index=models.Index(
                condition=models.Q(("listed", True)),
                fields=["tenant_id", "period", "followers_gap", "master"],
                name="stats_up_followers_gap",
            ),
        ),
    ]
