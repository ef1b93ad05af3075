import django.db.models.deletion
from django.db import migrations, models

import infra.fields
from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    """What is kept of masters' results, behind the tenant wall."""

    initial = True

    dependencies = [
        ("accounts", "0004_trading_days"),
        ("copytrade", "0007_sync"),
    ]

    operations = [
        migrations.CreateModel(
            name="StatsCursor",
            fields=[
                ("tenant_id", models.BigIntegerField()),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="accounts.tradingaccount",
                    ),
                ),
                ("event_seq", models.BigIntegerField(default=-1)),
                ("day", models.DateField(null=True)),
                ("living", models.BooleanField(default=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="StatsChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.tradingaccount"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="AccountDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("symbol", models.CharField(max_length=32)),
                ("trades", models.PositiveIntegerField()),
                ("profit_trades", models.PositiveIntegerField()),
                ("loss_trades", models.PositiveIntegerField()),
                ("pnl", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("gross_profit", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("gross_loss", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("best", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("worst", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("volume", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("holding_seconds", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("last_close_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.tradingaccount"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "day", "symbol"), name="account_day_once")],
            },
        ),
        migrations.CreateModel(
            name="MasterStats",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                (
                    "period",
                    models.CharField(
                        choices=[("7D", "7D"), ("30D", "30D"), ("90D", "90D"), ("365D", "365D"), ("ALL", "ALL")],
                        max_length=4,
                    ),
                ),
                ("listed", models.BooleanField(default=False)),
                ("pnl", infra.fields.ExactDecimalField(decimal_places=10, default=0, max_digits=30)),
                ("roi", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("twr", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("equity_start", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("equity_end", infra.fields.ExactDecimalField(decimal_places=10, default=0, max_digits=30)),
                ("trades", models.PositiveIntegerField(default=0)),
                ("profit_trades", models.PositiveIntegerField(default=0)),
                ("loss_trades", models.PositiveIntegerField(default=0)),
                ("win_rate", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("avg_pnl_per_trade", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("best_trade", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("worst_trade", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("profit_factor", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("max_drawdown", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("followers", models.PositiveIntegerField(default=0)),
                ("aum", infra.fields.ExactDecimalField(decimal_places=10, default=0, max_digits=30)),
                ("weekly_trades", infra.fields.ExactDecimalField(decimal_places=10, default=0, max_digits=30)),
                ("avg_holding_time", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("last_trade_at", models.DateTimeField(null=True)),
                ("sharp_ratio", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("sortino_ratio", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("volatility", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("risk_score", models.PositiveSmallIntegerField(null=True)),
                ("days", models.PositiveIntegerField(default=0)),
                ("followers_return", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("followers_gap", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("gap_slippage", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("gap_fees", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("gap_skipped", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("gap_other", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30, null=True)),
                ("updated_at", models.DateTimeField(null=True)),
                (
                    "master",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="stats",
                        to="copytrade.copymaster",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("roi"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_roi",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("twr"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_twr",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("equity_start"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_equity_start",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("win_rate"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_win_rate",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("avg_pnl_per_trade"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_avg_pnl_per_trade",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("best_trade"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_best_trade",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("worst_trade"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_worst_trade",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("profit_factor"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_profit_factor",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("max_drawdown"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_max_drawdown",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("avg_holding_time"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_avg_holding_time",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("last_trade_at"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_last_trade_at",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("sharp_ratio"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_sharp_ratio",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("sortino_ratio"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_sortino_ratio",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("risk_score"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_risk_score",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("followers_return"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_followers_return",
                    ),
                    models.Index(
                        models.F("tenant_id"),
                        models.F("period"),
                        models.OrderBy(models.F("followers_gap"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("master"), descending=True),
                        condition=models.Q(("listed", True)),
                        name="stats_by_followers_gap",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "pnl", "master"],
                        name="stats_by_pnl",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "equity_end", "master"],
                        name="stats_by_equity_end",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "trades", "master"],
                        name="stats_by_trades",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "profit_trades", "master"],
                        name="stats_by_profit_trades",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "loss_trades", "master"],
                        name="stats_by_loss_trades",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "followers", "master"],
                        name="stats_by_followers",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "aum", "master"],
                        name="stats_by_aum",
                    ),
                    models.Index(
                        condition=models.Q(("listed", True)),
                        fields=["tenant_id", "period", "weekly_trades", "master"],
                        name="stats_by_weekly_trades",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("master", "period"), name="master_stats_once")],
            },
        ),
        RowLevelSecurity(
            "marketplace_accountday",
            "marketplace_statscursor",
            "marketplace_statschange",
            "marketplace_masterstats",
        ),
    ]
