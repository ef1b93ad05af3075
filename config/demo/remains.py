"""What an interrupted seed left behind is taken away before a new one begins.

Rows of booked things cannot be deleted by the application's role, so this is done as the database's owner, and only for
tenants that never went live.
"""

from collections.abc import Collection

from django.db import connection

from accounts import directory
from accounts.models import Tenant
from infra.database import as_owner
from infra.tenancy import tenant_scope
from ledger.selectors import house_accounts_forget


def unfinished(slugs: Collection[str]) -> list[Tenant]:
    """The tenants among `slugs` whose past was never finished."""
    return list(Tenant.objects.filter(slug__in=slugs, live=False).order_by("pk"))


def tenant_take_away(tenant: Tenant) -> None:
    """Deletes an unfinished tenant with everything in it. Refuses one that is live."""
    with as_owner(), tenant_scope(tenant.pk), connection.cursor() as cursor:
        cursor.execute("SELECT live FROM accounts_tenant WHERE id = %s FOR NO KEY UPDATE", [tenant.pk])
        row = cursor.fetchone()
        if row is None or row[0]:
            raise ValueError(f"the tenant {tenant.slug} is live and stays")
        cursor.execute(
            "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t"
            " USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'"
        )
        # References are checked at the commit, so the order does not matter.
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)} WHERE tenant_id = %s", [tenant.pk])
        cursor.execute("DELETE FROM accounts_tenant WHERE id = %s", [tenant.pk])
    directory.forget()
    house_accounts_forget()
