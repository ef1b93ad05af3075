"""`manage.py feed_replay FILE.csv`: recorded ticks, taken as if they came now."""

import statistics
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Tenant
from core import clock
from core.errors import DomainError
from infra.retry import retried
from infra.tenancy import tenant_scope
from trading.feed.replay import BadRecording, RecordedTick, ticks_grouped, ticks_read
from trading.services.quotes import NewQuote, QuoteSource, quotes_store


class Command(BaseCommand):
    help = (
        "Takes recorded ticks (columns time, symbol, bid, ask) as quotes of the present, with the pauses they were"
        " recorded with. Their symbols stay without simulation until their feed is set again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--speed", type=_speed, default=1.0, help="so many times as fast; 0: without pauses")
        parser.add_argument("--tenant", help="the slug; may be left out where there is one tenant only")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = _tenant(options["tenant"])
        count, late, began = 0, [], time.monotonic()
        try:
            with options["file"].open(newline="") as lines:
                for offset, ticks in ticks_grouped(ticks_read(lines)):
                    if options["speed"]:
                        time.sleep(max(0.0, began + offset.total_seconds() / options["speed"] - time.monotonic()))
                    retried(lambda ticks=ticks: _take(tenant.pk, ticks))  # type: ignore[misc]
                    count += len(ticks)
                    if options["speed"]:
                        late.append(time.monotonic() - began - offset.total_seconds() / options["speed"])
        except (OSError, BadRecording) as error:
            raise CommandError(str(error)) from error
        except DomainError as error:
            raise CommandError(f"{error.message} ({count} ticks were taken)") from error
        self.stdout.write(f"{count} ticks were taken.")
        if late:
            # An instant's ticks count as taken when what they made due has been committed.
            middle, worst = statistics.median(late) * 1000, max(late) * 1000
            self.stdout.write(f"Taken {middle:.0f} ms after their instant in the median, {worst:.0f} ms at the worst.")


def _take(tenant_id: int, ticks: list[RecordedTick]) -> None:
    quotes = [NewQuote(tick.symbol, tick.bid, tick.ask) for tick in ticks]
    with tenant_scope(tenant_id):
        quotes_store(tenant_id=tenant_id, quotes=quotes, at=clock.now(), source=QuoteSource.REPLAYED)


def _tenant(slug: str | None) -> Tenant:
    tenants = Tenant.objects.order_by("id") if slug is None else Tenant.objects.filter(slug=slug)
    found = list(tenants[:2])
    if len(found) != 1:
        raise CommandError("There is no such tenant." if not found else "Say which tenant: --tenant SLUG.")
    return found[0]


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise ArgumentTypeError("must be 0 or more")
    return speed
