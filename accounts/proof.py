"""Proofs: statements that look for what must never be, and the command that runs them for every tenant.

A proof is one statement, so it sees one moment of a database that may be at work, and it returns only what is wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.models import Tenant
from infra.tenancy import tenant_scope

SHOWN_MOST = 20
"""Findings of one kind that a command names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. `check` is the proof's name, `detail` the row that contradicts it."""

    check: str
    detail: str


def findings_of(proofs: Mapping[str, str]) -> list[Finding]:
    """Runs the statements of the current tenant, by name, and gives every row that they return."""
    found = []
    with connection.cursor() as cursor:
        for check, statement in proofs.items():
            cursor.execute(statement)
            names = [column.name for column in cursor.description]
            found += [Finding(check, _told(names, row)) for row in cursor.fetchall()]
    return found


def _told(names: list[str], row: tuple[Any, ...]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))


class ProofCommand(BaseCommand):
    """Base of the commands that prove something for all tenants: exit code 1, and what was found, when it is not so."""

    prove: ClassVar[Callable[[int], list[Finding]]]
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = tenants = 0
        for tenant in Tenant.objects.order_by("pk"):
            tenants += 1
            found = type(self).prove(tenant.pk)
            wrong += len(found)
            self._tell(tenant.slug, found)
        if wrong:
            raise CommandError(f"{wrong} findings in {tenants} tenants.")
        self.stdout.write(f"Nothing wrong in {tenants} tenants.")

    def _tell(self, slug: str, found: list[Finding]) -> None:
        for check in dict.fromkeys(one.check for one in found):
            rows = [one.detail for one in found if one.check == check]
            self.stderr.write(f"tenant {slug}: {check}: {len(rows)}")
            for detail in rows[:SHOWN_MOST]:
                self.stderr.write(f"    {detail}")
            if len(rows) > SHOWN_MOST:
                self.stderr.write(f"    and {len(rows) - SHOWN_MOST} more")


def proved(tenant_id: int, proofs: Mapping[str, str]) -> list[Finding]:
    """`findings_of` in a scope of its own."""
    with tenant_scope(tenant_id):
        return findings_of(proofs)
