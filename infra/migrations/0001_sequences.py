from django.db import migrations


class Migration(migrations.Migration):
    """Numbers that several tables share: tickets (trades and balance operations), logins, ledger accounts."""

    operations = [
        migrations.RunSQL("CREATE SEQUENCE ticket_seq START 1000001", "DROP SEQUENCE ticket_seq"),
        migrations.RunSQL("CREATE SEQUENCE login_seq START 100001", "DROP SEQUENCE login_seq"),
    ]
