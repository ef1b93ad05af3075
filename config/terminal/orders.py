"""Trade commands of a socket: read, carried out in a bounded pool of threads, acknowledged before their own frames."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.selectors import actor_for_claims
from config.terminal.access import Signed, database
from config.terminal.messages import said, trade_refused
from core import clock
from core.errors import DomainError, Kind, invalid
from core.states import Origin, Reason
from infra import push
from infra.api.errors import refusal_of, too_frequent
from infra.faults import fault
from infra.outbox import Message
from infra.retry import DATABASE_PASSING
from infra.tenancy import swift_scope
from trading.commands import (
    CancelCommand,
    CloseCommand,
    ModifyCommand,
    OpenCommand,
    OpenPendingCommand,
    parse_cancel,
    parse_close,
    parse_modify,
    parse_open,
    parse_pending,
)
from trading.selectors_access import TradableAccount, account_for_login, account_for_order, denied
from trading.services.orders import (
    OrderAnswer,
    Refusal,
    order_cancel,
    order_close,
    order_modify,
    order_open,
    order_open_pending,
)

logger = logging.getLogger(__name__)

BURST_SECONDS: Final = 5
STAFF_FACTOR: Final = 5
CHECKED_SECONDS: Final = 1.0
"""How long a session that was found alive is taken to be: pushes end it sooner, but a push may get lost."""

REMEMBERED: Final = 2000
"""Records of one socket whose account is not asked for again: more than an account may have open."""

Opening = OpenCommand | OpenPendingCommand
"""Names its account; the others name a record, which has one."""
Command = Opening | ModifyCommand | CloseCommand | CancelCommand

COMMANDS: Final[dict[str, Callable[[Mapping[str, Any]], Command]]] = {
    "trade.open": parse_open,
    "trade.open.pending": parse_pending,
    "trade.modify": parse_modify,
    "trade.close": parse_close,
    "trade.cancel": parse_cancel,
}

_traders = ThreadPoolExecutor(getattr(settings, "TRADE_THREADS", 8), thread_name_prefix="socket-trade")
_publisher = ThreadPoolExecutor(1, thread_name_prefix="socket-publish")
"""One thread, so that the frames of one socket's orders keep their order."""


class Bucket:
    """Commands per second of one socket, with a burst of five seconds. Not thread-safe."""

    def __init__(self, rate: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float((rate or 0) * BURST_SECONDS)
        self._at = clock()

    def take(self) -> int:
        """0, or the whole seconds to wait."""
        if self._rate is None:
            return 0
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._at) * self._rate, self._rate * BURST_SECONDS)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0
        return 1 + int((1 - self._tokens) / self._rate)


@dataclass(slots=True)
class Desk:
    """What one socket's commands share; used by one command at a time."""

    signed: Signed
    in_browser: bool
    bucket: Bucket = field(init=False)
    accounts: dict[int, TradableAccount] = field(default_factory=dict)
    opened: dict[int, TradableAccount] = field(default_factory=dict)
    """The accounts of records that this socket opened, the latest ones: a record never changes its account."""
    checked_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        rate = (settings.API_RATES or {}).get("trade")
        staff = STAFF_FACTOR if self.signed.actor.is_staff else 1
        self.bucket = Bucket(None if rate is None else rate * staff)

    def remember(self, order: int, account: TradableAccount) -> None:
        """Notes the account of a record that was just opened."""
        self.opened[order] = account
        if len(self.opened) > REMEMBERED:
            del self.opened[next(iter(self.opened))]


class SessionEnded(Exception):
    """The session ended without the socket having been told."""


def parse(desk: Desk, event: str, data: Mapping[str, Any], active_login: int | None) -> Command:
    """The command, with its account settled as far as the socket can; `DomainError` otherwise.

    What reduces a position is never refused for rate.
    """
    command = COMMANDS[event](data)
    if isinstance(command, CloseCommand | CancelCommand):
        return command
    if (wait := desk.bucket.take()) > 0:
        raise too_frequent(wait)
    if isinstance(command, Opening) and command.login is None and not (desk.signed.actor.login or active_login):
        raise invalid("login", _("is required, because no single account is active"))
    return command


async def carry_out(
    desk: Desk,
    command_id: str,
    command: Command,
    active_login: int | None,
    answer: Callable[[Message], None],
) -> None:
    """Carries a command out. `answer` is called on the event loop, before the frames of the order are published.

    Raises `SessionEnded`, with nothing done.
    """
    loop = asyncio.get_running_loop()

    def run() -> None:
        message, frames = _answer_to(desk, command_id, command, active_login)
        fault("order.committed")
        loop.call_soon_threadsafe(tell, message, frames)

    def tell(message: Message, frames: list[push.Frame]) -> None:
        # Redis hears of the frames only when the answer is on its way: no frame comes sooner, and while the answer is
        # written no other thread wants the interpreter.
        answer(message)
        _publisher.submit(_publish, frames)

    await loop.run_in_executor(_traders, run)


def _publish(frames: list[push.Frame]) -> None:
    fault("order.answered")
    push.publish(frames)


def _answer_to(
    desk: Desk, command_id: str, command: Command, active_login: int | None
) -> tuple[Message, list[push.Frame]]:
    """The answer, and the frames to be published after it: none when nothing was done."""
    try:
        try:
            outcome, frames = _in_transaction(desk, command_id, command, active_login)
        except DATABASE_PASSING:
            # A connection may have died in the pool. The command's id makes a repetition harmless.
            outcome, frames = _in_transaction(desk, command_id, command, active_login)
    except SessionEnded:
        raise
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            logger.exception("a trade command failed")
            refusal = DomainError(Kind.UNAVAILABLE, "INTERNAL_ERROR", _("Something went wrong on our side."))
        return trade_refused(command_id, refusal), []
    if isinstance(outcome, Refusal):
        return trade_refused(command_id, outcome.error()), frames
    return said({"event": "trade.ack", "id": command_id, "data": outcome.wire}), frames


def _in_transaction(
    desk: Desk, command_id: str, command: Command, active_login: int | None
) -> tuple[OrderAnswer | Refusal, list[push.Frame]]:
    with push.held() as frames, database(), swift_scope(desk.signed.actor.tenant_id):
        at = clock.now()
        _check_session(desk, at)
        outcome = _execute(desk, command_id, command, active_login, at)
        fault("order.written")
    return outcome, frames


def _check_session(desk: Desk, at: datetime) -> None:
    now = time.monotonic()
    if now - desk.checked_at < CHECKED_SECONDS:
        return
    if actor_for_claims(desk.signed.claims, at) is None:
        raise SessionEnded
    desk.checked_at = now


def _execute(
    desk: Desk, command_id: str, command: Command, active_login: int | None, at: datetime
) -> OrderAnswer | Refusal:
    actor = desk.signed.actor
    if isinstance(command, Opening):
        account = _account(desk, command.login or actor.login or active_login or 0)
        request_hash = command.request_hash(account.login)
    else:
        account = desk.opened.get(command.order) or account_for_order(actor, command.order)
        if command.login is not None and command.login != account.login:
            raise denied()
        request_hash = command.request_hash()
    common: dict[str, Any] = {
        "account_id": account.id,
        "origin": Origin.DEALER if actor.is_staff else Origin.MANUAL,
        "reason": Reason.DEALER if actor.is_staff else Reason.WEB if desk.in_browser else Reason.CLIENT,
        "at": at,
        "client_order_id": f"ws:{command_id}",
        "request_hash": request_hash,
    }
    outcome = _carried_out(command, common)
    if isinstance(command, Opening) and isinstance(outcome, OrderAnswer):
        desk.remember(outcome.order, account)
    return outcome


def _carried_out(command: Command, common: dict[str, Any]) -> OrderAnswer | Refusal:
    match command:
        case OpenCommand():
            return order_open(
                side=command.side,
                volume=command.volume,
                symbol=command.symbol,
                sl=command.sl,
                tp=command.tp,
                comment=command.comment,
                **common,
            )
        case OpenPendingCommand():
            return order_open_pending(
                side=command.side,
                kind=command.kind,
                volume=command.volume,
                symbol=command.symbol,
                open_price=command.open_price,
                sl=command.sl,
                tp=command.tp,
                expiration_at=command.expiration_at,
                comment=command.comment,
                **common,
            )
        case ModifyCommand():
            return order_modify(trade_id=command.order, changes=command.changes, stage=command.stage, **common)
        case CloseCommand():
            return order_close(trade_id=command.order, volume=command.volume, **common)
        case CancelCommand():
            return order_cancel(trade_id=command.order, **common)


def _account(desk: Desk, login: int) -> TradableAccount:
    account = desk.accounts.get(login)
    if account is None:
        account = desk.accounts[login] = account_for_login(desk.signed.actor, login)
    return account
