from django.db import migrations, models

import core.states


class Migration(migrations.Migration):
    """The events of a trade, copies left out: explain looks a leader's trade up so."""

    dependencies = [
        ("accounts", "0008_former_days"),
        ("trading", "0009_rows_of_locked_accounts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="accountevent",
            index=models.Index(
                condition=models.Q(
                    models.Q(("origin", core.states.Origin["COPY"]), _negated=True), ("trade_id__isnull", False)
                ),
                fields=["trade_id"],
                name="account_event_of_trade",
            ),
        ),
    ]
