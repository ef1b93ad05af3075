"""`manage.py demo_seed`: makes the demo, once."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Tenant
from config.demo.cast import HOUSES
from config.demo.past import past_make
from config.demo.remains import tenant_take_away, unfinished
from core import clock
from trading.feed.lease import Lease

TELL_SECONDS = 3.0


class Command(BaseCommand):
    help = "Makes the demo: two tenants with a simulated past. A demo that was interrupted is begun anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing in a database that has tenants already")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is for demonstrations only: set COPYTRADE_DEMO=1 to make the demo.")
        with Lease("copytrade demo") as lease:
            if not lease.holds():
                raise CommandError("Another process is making the demo at this moment.")
            slugs = [house.slug for house in HOUSES]
            remains = unfinished(slugs)
            if options["if_empty"] and not remains and Tenant.objects.exists():
                return
            for tenant in remains:
                self._say(f"The demo's tenant {tenant.slug} was not finished; it is made anew.")
                tenant_take_away(tenant)
            if taken := Tenant.objects.filter(slug__in=slugs).first():
                raise CommandError(f"There is a tenant {taken.slug} already; the demo is not made.")
            began = time.monotonic()
            past_make(end=clock.now(), tell=self._progress())
            self._say(f"The demo is made, in {time.monotonic() - began:.0f} s.")

    def _progress(self) -> Any:
        told = time.monotonic() - TELL_SECONDS

        def tell(percent: int) -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._say(f"Making the demo's past: {percent} %")

        return tell

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()
