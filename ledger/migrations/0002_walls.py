from django.db import migrations

from infra.tenancy import RowLevelSecurity


class Migration(migrations.Migration):
    """The tenant wall."""

    dependencies = [("ledger", "0001_initial")]

    operations = [
        RowLevelSecurity("ledger_ledgeraccount", "ledger_transfer"),
    ]
