import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import copytrade.domain.groups
import copytrade.domain.values
import infra.fields
from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_trading_days"),
        ("copytrade", "0004_rules"),
    ]

    operations = [
        migrations.AlterField(
            model_name="copysubscription",
            name="master",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="subscriptions",
                to="copytrade.copymaster",
            ),
        ),
        migrations.CreateModel(
            name="CopyGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("name", models.CharField(max_length=100)),
                (
                    "pause_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            (copytrade.domain.groups.GroupPause["NONE"], copytrade.domain.groups.GroupPause["NONE"]),
                            (
                                copytrade.domain.groups.GroupPause["CUSTOMER"],
                                copytrade.domain.groups.GroupPause["CUSTOMER"],
                            ),
                            (copytrade.domain.groups.GroupPause["STAFF"], copytrade.domain.groups.GroupPause["STAFF"]),
                            (
                                copytrade.domain.groups.GroupPause["BREACH"],
                                copytrade.domain.groups.GroupPause["BREACH"],
                            ),
                            (
                                copytrade.domain.groups.GroupPause["NO_FOLLOWERS"],
                                copytrade.domain.groups.GroupPause["NO_FOLLOWERS"],
                            ),
                            (
                                copytrade.domain.groups.GroupPause["NO_LEADER"],
                                copytrade.domain.groups.GroupPause["NO_LEADER"],
                            ),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                (
                    "copy_mode",
                    models.CharField(
                        choices=[
                            (
                                copytrade.domain.groups.GroupCopyMode["MULTIPLIER"],
                                copytrade.domain.groups.GroupCopyMode["MULTIPLIER"],
                            ),
                            (
                                copytrade.domain.groups.GroupCopyMode["FIXED"],
                                copytrade.domain.groups.GroupCopyMode["FIXED"],
                            ),
                        ],
                        default="MULTIPLIER",
                        max_length=16,
                    ),
                ),
                ("copy_value", infra.fields.ExactDecimalField(decimal_places=10, default=1, max_digits=30)),
                (
                    "sizing_mode",
                    models.CharField(
                        choices=[
                            (copytrade.domain.values.Sizing["CONTRACTS"], copytrade.domain.values.Sizing["CONTRACTS"]),
                            (copytrade.domain.values.Sizing["NOTIONAL"], copytrade.domain.values.Sizing["NOTIONAL"]),
                        ],
                        default="CONTRACTS",
                        max_length=16,
                    ),
                ),
                (
                    "rounding_mode",
                    models.CharField(
                        choices=[
                            (
                                copytrade.domain.values.Rounding["ENTRY_DOWN_EXIT_UP"],
                                copytrade.domain.values.Rounding["ENTRY_DOWN_EXIT_UP"],
                            ),
                            (copytrade.domain.values.Rounding["NEAREST"], copytrade.domain.values.Rounding["NEAREST"]),
                            (
                                copytrade.domain.values.Rounding["ALWAYS_DOWN"],
                                copytrade.domain.values.Rounding["ALWAYS_DOWN"],
                            ),
                        ],
                        default="ENTRY_DOWN_EXIT_UP",
                        max_length=32,
                    ),
                ),
                ("auto_variant", models.BooleanField(default=True)),
                ("symbol_quarantine", models.BooleanField(default=True)),
                ("quarantine_after_rejections", models.PositiveSmallIntegerField(default=1)),
                (
                    "quarantine_release",
                    models.CharField(
                        choices=[("MANUAL", "MANUAL"), ("WHEN_LEADER_FLAT", "WHEN_LEADER_FLAT")],
                        default="MANUAL",
                        max_length=16,
                    ),
                ),
                (
                    "partial_exit",
                    models.CharField(
                        choices=[
                            (
                                copytrade.domain.groups.PartialExit["PROPORTIONAL"],
                                copytrade.domain.groups.PartialExit["PROPORTIONAL"],
                            ),
                            (
                                copytrade.domain.groups.PartialExit["EXIT_WITH_LEADER"],
                                copytrade.domain.groups.PartialExit["EXIT_WITH_LEADER"],
                            ),
                        ],
                        default="PROPORTIONAL",
                        max_length=16,
                    ),
                ),
                ("contract_mappings_enabled", models.BooleanField(default=False)),
                ("reverse", models.BooleanField(default=False)),
                ("copy_sl", models.BooleanField(default=True)),
                ("copy_tp", models.BooleanField(default=True)),
                ("copy_pending_orders", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("customer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="accounts.user")),
                (
                    "leader",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tradingaccount",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="copysubscription",
            name="group",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="subscriptions",
                to="copytrade.copygroup",
            ),
        ),
        migrations.CreateModel(
            name="GroupChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("version", models.PositiveIntegerField()),
                ("changed", models.TextField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField()),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="copytrade.copygroup"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GroupMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("ratio", infra.fields.ExactDecimalField(decimal_places=10, default=1, max_digits=30)),
                ("synced_all", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tradingaccount"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="members", to="copytrade.copygroup"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ContractSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("symbol", models.CharField(max_length=32)),
                (
                    "ratio",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("synced", models.BooleanField(default=True)),
                ("cross_symbol", models.CharField(blank=True, default="", max_length=32)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contracts",
                        to="copytrade.groupmember",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ContractMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tenant_id", models.BigIntegerField()),
                ("leader_symbol", models.CharField(max_length=32)),
                ("follower_symbol", models.CharField(max_length=32)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mappings", to="copytrade.copygroup"
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mappings",
                        to="copytrade.groupmember",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="copysubscription",
            name="member",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="subscriptions",
                to="copytrade.groupmember",
            ),
        ),
        migrations.AddConstraint(
            model_name="copysubscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("group__isnull", True), ("master__isnull", False), ("member__isnull", True)),
                    models.Q(("group__isnull", False), ("master__isnull", True), ("member__isnull", False)),
                    _connector="OR",
                ),
                name="subscription_master_or_group",
            ),
        ),
        migrations.AddConstraint(
            model_name="copygroup",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("customer", "name"), name="group_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="copygroup",
            constraint=models.CheckConstraint(condition=models.Q(("copy_value__gt", 0)), name="group_copy_value"),
        ),
        migrations.AddConstraint(
            model_name="groupchange",
            constraint=models.UniqueConstraint(fields=("group", "version"), name="group_change_once"),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("account",), name="group_member_one_living"
            ),
        ),
        migrations.AddConstraint(
            model_name="groupmember",
            constraint=models.CheckConstraint(condition=models.Q(("ratio__gt", 0)), name="group_member_ratio"),
        ),
        migrations.AddConstraint(
            model_name="contractsetting",
            constraint=models.UniqueConstraint(fields=("member", "symbol"), name="contract_setting_once"),
        ),
        migrations.AddConstraint(
            model_name="contractsetting",
            constraint=models.CheckConstraint(
                condition=models.Q(("ratio__gte", 1), ("ratio__lte", 10)), name="contract_setting_ratio"
            ),
        ),
        migrations.AddConstraint(
            model_name="contractmapping",
            constraint=models.UniqueConstraint(
                fields=("group", "member", "leader_symbol"), name="contract_mapping_once", nulls_distinct=False
            ),
        ),
        RowLevelSecurity(
            "copytrade_copygroup",
            "copytrade_groupmember",
            "copytrade_contractsetting",
            "copytrade_contractmapping",
            "copytrade_groupchange",
        ),
    ]
