"""Django's `migrate`, run as the database's owner, then granting the application's role its rights."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate

from infra.database import application_role_create, application_role_grant, as_owner


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        application_role_create()
        with as_owner():
            super().handle(*args, **options)
            application_role_grant()
