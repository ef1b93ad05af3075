from django.db import migrations

from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    """The tenant wall, and room on the account's pages for its many updates."""

    dependencies = [("accounts", "0001_initial")]

    operations = [
        RowLevelSecurity(
            "accounts_productconfig",
            "accounts_user",
            "accounts_apisession",
            "accounts_accountgroup",
            "accounts_tradingaccount",
        ),
        migrations.RunSQL("ALTER TABLE accounts_tradingaccount SET (fillfactor = 70)", migrations.RunSQL.noop),
    ]
