"""Measures where copying stays wrong: an exit that was given up (D11), and copies that stay out of sync (X11).

The tenant has chosen them. Each case is met once; whatever is chosen, an alert is given.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F
from prometheus_client import Counter

from accounts.models import CopyMeasure, ProductConfig, TradingAccount
from accounts.selectors import product_config
from copytrade.domain.exits import outside_reduction
from copytrade.models import FailedExit, SyncLight, TradeLink
from copytrade.models_commands import CommandKind, FailedExitState, SyncState
from copytrade.notices import Notice, notice_frame
from copytrade.services.commands import closes_ask
from copytrade.services.roles import accounts_lock
from core.rounding import ZERO, plain
from core.states import LinkState, TradeState
from infra.push import Frame, publish
from infra.tenancy import tenant_scope
from trading.models import Instrument, Trade

logger = logging.getLogger("copytrade.measures")

alerts_total = Counter("copytrade_alerts_total", "Copying that needs a person.", ["kind"])
AT_ONCE = 250
"""Cases of one transaction."""


def measures_take(*, tenant_id: int, at: datetime) -> int:
    """Meets what has been wrong for too long; gives the number of cases. Opens transactions of its own.

    To be called after the lights were compared.
    """
    met = 0
    for meet in (_given_up_meet, _out_of_sync_meet):
        with tenant_scope(tenant_id):
            alerts = meet(product_config(), at)
        publish(alerts)
        met += len(alerts)
    return met


def _given_up_meet(config: ProductConfig, at: datetime) -> list[Frame]:
    """Exits that nobody tries any more: FLATTEN asks for the close of all that is copied in the contract."""
    waiting = FailedExit.objects.filter(state=FailedExitState.EXPIRED, measured_at__isnull=True)
    cases = list(waiting.select_related("follower").order_by("pk")[:AT_ONCE])
    accounts_lock({case.follower_id for case in cases})
    alerts = []
    for case in cases:
        values = {"symbol": case.symbol, "lots": plain(case.volume), "code": case.last_error, "exit": case.pk}
        alerts.append(_alert(case.follower, Notice.EXIT_GIVEN_UP, values, config.copy_failed_exit_action, at))
        if config.copy_failed_exit_action == CopyMeasure.FLATTEN:
            closes_ask(_links(case.follower_id, case.symbol), kind=CommandKind.CLOSE_OUT, at=at)
    FailedExit.objects.filter(pk__in=[case.pk for case in cases]).update(measured_at=at)
    return alerts


def _out_of_sync_meet(config: ProductConfig, at: datetime) -> list[Frame]:
    """Contracts in which copies have disagreed with their leader for longer than allowed.

    REDUCE brings down what is more than it should be: a link that owns more than its ticket holds, and what no leader
    stands behind; nothing is ever opened. FLATTEN asks for the close of all that is copied there.
    """
    since = at - timedelta(seconds=config.copy_out_of_sync_seconds)
    wrong = SyncLight.objects.filter(state=SyncState.OUT_OF_SYNC, since__lte=since, measured_at__isnull=True)
    cases = list(wrong.select_related("follower").order_by("pk")[:AT_ONCE])
    accounts_lock({case.follower_id for case in cases})
    alerts, action = [], config.copy_out_of_sync_action
    for case in cases:
        values = {"symbol": case.symbol, "expected": plain(case.expected), "held": plain(case.held)}
        alerts.append(_alert(case.follower, Notice.OUT_OF_SYNC, values, action, at))
        links = _links(case.follower_id, case.symbol)
        if action == CopyMeasure.FLATTEN:
            closes_ask(links, kind=CommandKind.CLOSE_OUT, at=at)
        elif action == CopyMeasure.REDUCE:
            _reduce(links, at)
    SyncLight.objects.filter(pk__in=[case.pk for case in cases]).update(measured_at=at)
    return alerts


def _alert(account: TradingAccount, notice: Notice, values: dict[str, object], action: str, at: datetime) -> Frame:
    alerts_total.labels(notice.value).inc()
    logger.critical("%s: account %s %s; measure %s", notice.value, account.login, values, action)
    return notice_frame(account, notice, values, at)


def _links(follower_id: int, symbol: str) -> list[TradeLink]:
    found = TradeLink.objects.filter(
        follower_id=follower_id, symbol=symbol, state=LinkState.ACTIVE, resting=False
    ).order_by("pk")
    return list(found)


def _reduce(links: Sequence[TradeLink], at: datetime) -> None:
    led = Trade.objects.filter(pk__in={link.leader_trade_id for link in links}, state=TradeState.OPEN)
    standing = set(led.values_list("pk", flat=True))
    closes_ask([k for k in links if k.leader_trade_id not in standing], kind=CommandKind.CLOSE_OUT, at=at)
    by_ticket: dict[int, list[TradeLink]] = {}
    for link in links:
        by_ticket.setdefault(link.follower_trade_id, []).append(link)
    held = dict(Trade.objects.filter(pk__in=by_ticket, state=TradeState.OPEN).values_list("pk", "volume"))
    step = dict(Instrument.objects.filter(pk__in={k.instrument_id for k in links}).values_list("pk", "lot_step"))
    for ticket, owners in by_ticket.items():
        _cut(owners, held.get(ticket, ZERO), step[owners[0].instrument_id], at)


def _cut(links: Iterable[TradeLink], held: Decimal, step: Decimal, at: datetime) -> None:
    """The links of one ticket own no more than it holds."""
    links = list(links)
    owned = [link.volume for link in links]
    total = sum(owned, ZERO)
    for link, loss in zip(links, outside_reduction(total, max(ZERO, total - held), owned, step), strict=True):
        if loss:
            state = LinkState.ACTIVE if loss < link.volume else LinkState.CLOSED
            TradeLink.objects.filter(pk=link.pk).update(volume=F("volume") - loss, state=state, updated_at=at)
