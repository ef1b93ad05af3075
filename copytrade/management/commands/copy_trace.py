"""`manage.py copy_trace ORDER`: the whole story of a copy, by the leader's order or by one of its copies."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Tenant, TradingAccount
from copytrade.models import CopyOrder, CopySubscription, TradeLink
from copytrade.selectors_explain import Sight, Step, Story, story_of, tenant_zone
from core import clock
from infra.tenancy import tenant_scope
from trading.models import Trade


class Command(BaseCommand):
    help = "Prints the story of a leader's order for its followers, or of one copy, on the tenant's clocks."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", type=int, help="an order number: the leader's, or a follower's copy of it")
        parser.add_argument("--follower", type=int, help="the login of one follower; otherwise all")

    def handle(self, *args: Any, order: int, follower: int | None = None, **options: Any) -> None:
        for tenant in Tenant.objects.order_by("pk"):
            with tenant_scope(tenant.pk):
                if Trade.objects.filter(pk=order).exists():
                    self._tell(tenant, order, follower)
                    return
        raise CommandError(f"There is no order {order}.")

    def _tell(self, tenant: Tenant, order: int, login: int | None) -> None:
        link = TradeLink.objects.filter(follower_trade_id=order).order_by("pk").first()
        trade = (
            Trade.objects.select_related("account").filter(pk=order if link is None else link.leader_trade_id).first()
        )
        if trade is None:
            raise CommandError(f"The leader's order {order} is not there any more.")
        followers = _followers(trade, None if link is None else link.follower_id, login)
        if not followers:
            raise CommandError(f"Nobody copies order {trade.pk} of account {trade.account.login}.")
        sight = Sight(leader=True, follower=True, zone=tenant_zone(tenant.pk))
        for follower in followers:
            self._print(tenant, story_of(trade, follower, sight, at=clock.now()), sight)

    def _print(self, tenant: Tenant, story: Story, sight: Sight) -> None:
        told = f"{tenant.slug}: order {story.leader_order} ({story.symbol}) of {story.leader_login}"
        self.stdout.write(f"{told} for {story.follower_login}")
        for step in (*story.steps, story.now):
            self.stdout.write(_line(step, sight))


def _followers(trade: Trade, only: int | None, login: int | None) -> Iterable[TradingAccount]:
    found = TradingAccount.objects.order_by("login")
    if login is not None:
        return list(found.filter(login=login))
    if only is not None:
        return list(found.filter(pk=only))
    copied = CopyOrder.objects.filter(leader_trade_id=trade.pk).values("follower_id")
    subscribed = CopySubscription.objects.filter(leader_id=trade.account_id).values("follower_id")
    return list(found.filter(pk__in=copied.union(subscribed)))


def _line(step: Step, sight: Sight) -> str:
    values = " ".join(f"{name}={value}" for name, value in step.values.items() if value not in (None, ""))
    at = step.at.astimezone(sight.zone)
    return f"  {at:%Y-%m-%d %H:%M:%S.%f %Z}  {step.what:<12} {step.code:<22} {step.sentence} {values}".rstrip()
