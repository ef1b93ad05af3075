"""`manage.py demo_logins`: who can sign in to the demo, as a block of text."""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Tenant, TradingAccount
from config.demo.cast import HOUSES, PASSWORD
from config.demo.roles import House
from core.states import CopyRole
from infra.tenancy import tenant_scope

_ROLES = {CopyRole.LEADER: "leader", CopyRole.FOLLOWER: "follower", CopyRole.NONE: "free"}


class Command(BaseCommand):
    help = "Prints the demo's logins."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("There are no demo logins: COPYTRADE_DEMO is not set.")
        tenants = {
            tenant.slug: tenant for tenant in Tenant.objects.filter(slug__in=[h.slug for h in HOUSES], live=True)
        }
        if not tenants:
            raise CommandError("There is no demo in this database.")
        self.stdout.write(f"Demo logins, the password is {PASSWORD} for all:")
        for house in HOUSES:
            if house.slug in tenants:
                self._house(house, tenants[house.slug].pk)

    def _house(self, house: House, tenant_id: int) -> None:
        emails = [f"{name}@{house.domain}" for name in ("owner", "leader", "follower")]
        accounts: dict[str, list[str]] = defaultdict(list)
        with tenant_scope(tenant_id):
            rows = TradingAccount.objects.filter(customer__email__in=emails).order_by("login")
            for email, login, role in rows.values_list("customer__email", "login", "copy_role"):
                accounts[email].append(f"{login} ({_ROLES[CopyRole(role)]})")
        page = "/app/sign-in" if house.slug == settings.DEFAULT_TENANT else f"/app/sign-in?tenant={house.slug}"
        self.stdout.write(f"  tenant {house.slug}  {page}")
        for email in emails:
            who = ", ".join(accounts[email])
            self.stdout.write(f"    {email:<24}" + (f"customer, accounts {who}" if who else "staff, owner"))
