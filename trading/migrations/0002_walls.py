from django.db import migrations

from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    """The tenant wall."""

    dependencies = [("trading", "0001_initial")]

    operations = [
        RowLevelSecurity(
            "trading_instrument", "trading_quote", "trading_order", "trading_trade", "trading_accountevent"
        ),
        migrations.RunSQL("ALTER TABLE trading_quote SET (fillfactor = 50)", migrations.RunSQL.noop),
    ]
