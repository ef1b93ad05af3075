from django.db import migrations, models

import core.states


class Migration(migrations.Migration):
    """Closed trades of an account by the time of their close: statistics and histories read them so."""

    dependencies = [
        ("accounts", "0004_trading_days"),
        ("trading", "0007_copies_wait_for_their_leader"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(
                condition=models.Q(
                    ("cmd__in", (0, 1)),
                    ("state__in", (core.states.TradeState["CLOSED"], core.states.TradeState["CLOSED_PART"])),
                ),
                fields=["account", "close_at"],
                name="trade_closed_of_account",
            ),
        ),
    ]
