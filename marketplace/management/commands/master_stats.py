"""`manage.py master_stats [--again]`: brings the statistics of all masters up to date, or counts them anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import Tenant
from core import clock
from marketplace.services.refreshing import stats_recount, stats_refresh


class Command(BaseCommand):
    help = "Brings the statistics of all masters up to date; with --again every closed trade is counted anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--again", action="store_true", help="count every closed trade anew")

    def handle(self, *args: Any, **options: Any) -> None:
        bring = stats_recount if options["again"] else stats_refresh
        for tenant in Tenant.objects.order_by("id"):
            self.stdout.write(f"{tenant.slug}: {bring(tenant_id=tenant.pk, at=clock.now())} accounts")
