from django.db import migrations

from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    """The tenant wall."""

    dependencies = [("copytrade", "0001_initial")]

    operations = [
        RowLevelSecurity(
            "copytrade_copymaster",
            "copytrade_rewardpolicy",
            "copytrade_copyfollower",
            "copytrade_leadershard",
            "copytrade_copysubscription",
            "copytrade_copyorder",
            "copytrade_tradelink",
        ),
    ]
