import django.db.models.deletion
from django.db import migrations, models

import infra.fields
from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    """The end of a trading day: storage, quotes and equity, each once."""

    dependencies = [
        ("accounts", "0004_trading_days"),
        ("trading", "0005_trigger_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="instrument",
            name="swap_long",
            field=infra.fields.ExactDecimalField(decimal_places=10, default=0, max_digits=30),
        ),
        migrations.AddField(
            model_name="instrument",
            name="swap_short",
            field=infra.fields.ExactDecimalField(decimal_places=10, default=0, max_digits=30),
        ),
        migrations.AddField(
            model_name="instrument",
            name="swap_triple_day",
            field=models.PositiveSmallIntegerField(default=3),
        ),
        migrations.CreateModel(
            name="DayEnd",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("boundary_at", models.DateTimeField()),
                ("last_account_id", models.BigIntegerField(default=0)),
                ("accounts", models.PositiveIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("tenant_id", "day"), name="day_end_once")],
            },
        ),
        migrations.CreateModel(
            name="DailyQuote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("bid", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("ask", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("at", models.DateTimeField()),
                (
                    "instrument",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="trading.instrument"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("instrument", "day"), name="daily_quote_once")],
            },
        ),
        migrations.CreateModel(
            name="EquityMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("low", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("high", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.tradingaccount"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "day"), name="equity_mark_once")],
            },
        ),
        migrations.CreateModel(
            name="EquitySnapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("at", models.DateTimeField()),
                ("equity", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("balance", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("low", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("high", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("flow", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("event_seq", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.tradingaccount"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "day"), name="equity_snapshot_once")],
            },
        ),
        migrations.CreateModel(
            name="StorageCharge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("trade_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("nights", models.PositiveSmallIntegerField()),
                ("points", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("volume", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("conversion_rate", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                ("amount", infra.fields.ExactDecimalField(decimal_places=10, max_digits=30)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="accounts.tradingaccount"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("trade_id", "day"), name="storage_charge_once")],
            },
        ),
        RowLevelSecurity(
            "trading_dailyquote",
            "trading_dayend",
            "trading_storagecharge",
            "trading_equitymark",
            "trading_equitysnapshot",
        ),
    ]
