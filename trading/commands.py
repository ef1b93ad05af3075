"""Trade commands as they arrive, for REST and WebSocket alike: strict reading of the fields, nothing else.

`data` is what `infra.api.parsers.loads` gives: numbers are int or Decimal, never floats. The first field that is
wrong raises 400 `INVALID_DATA`, whose message names it; unknown keys are ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from django.utils.translation import gettext as _

from core.clock import from_unix, unix
from core.errors import invalid
from core.rounding import ZERO
from core.states import Cmd, Side, TicketKind
from core.volume import lots_of
from infra.api.wire import NotAccepted, decimal_text, read_decimal, read_seconds, read_text, read_whole
from trading.domain.states import Stage
from trading.services.orders import Changes

SYMBOL_LENGTH: Final = 32
COMMENT_LENGTH: Final = 255
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """`trade.open`: a market order. `volume` in lots; `login` None: the session or the caller says which account."""

    login: int | None
    side: Side
    volume: Decimal
    symbol: str
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    comment: str = ""

    def request_hash(self, login: int) -> str:
        """Tells a repeated request from another one with the same client id; `login` is the account it goes to."""
        prices = decimal_text(self.sl), decimal_text(self.tp)
        return _digest("open", login, self.side.value, decimal_text(self.volume), self.symbol, *prices, self.comment)


@dataclass(frozen=True, slots=True)
class OpenPendingCommand:
    """`trade.open.pending`: a limit or stop order. `volume` in lots, `login` as in `OpenCommand`."""

    login: int | None
    side: Side
    kind: TicketKind
    volume: Decimal
    symbol: str
    open_price: Decimal
    sl: Decimal = ZERO
    tp: Decimal = ZERO
    expiration_at: datetime | None = None
    comment: str = ""

    def request_hash(self, login: int) -> str:
        """As `OpenCommand.request_hash`."""
        numbers = (decimal_text(n) for n in (self.volume, self.open_price, self.sl, self.tp))
        named = self.side.value, self.kind.value, self.symbol, self.comment
        return _digest("pending", login, *numbers, unix(self.expiration_at), *named)


@dataclass(frozen=True, slots=True)
class ModifyCommand:
    """`trade.modify`: other stops, price or expiration. `stage` is what the record has to be, None: either."""

    login: int | None
    order: int
    changes: Changes
    stage: Stage | None = None

    def request_hash(self) -> str:
        """As `CloseCommand.request_hash`."""
        wanted = self.changes
        numbers = (None if n is None else decimal_text(n) for n in (wanted.sl, wanted.tp, wanted.open_price))
        expiration = 0 if wanted.never_expires else wanted.expiration_at and unix(wanted.expiration_at)
        return _digest("modify", self.order, self.stage and self.stage.value, *numbers, expiration)


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """`trade.cancel`: takes a pending order back. `login`, if sent along, must be its account."""

    login: int | None
    order: int

    def request_hash(self) -> str:
        """As `CloseCommand.request_hash`."""
        return _digest("cancel", self.order)


@dataclass(frozen=True, slots=True)
class CloseCommand:
    """`trade.close`: closes a ticket, or `volume` lots of it. `login`, if sent along, must be its account."""

    login: int | None
    order: int
    volume: Decimal | None = None

    def request_hash(self) -> str:
        """Tells a repeated request from another one with the same client id."""
        return _digest("close", self.order, None if self.volume is None else decimal_text(self.volume))


def parse_open(data: Mapping[str, Any]) -> OpenCommand:
    """The fields of `POST /trade/open`."""
    login = parse_login(data)
    cmd = _read(data, "cmd", _market_cmd)
    volume = lots_of(_read(data, "volume", _positive))
    symbol = _read(data, "symbol", lambda value: read_text(value, SYMBOL_LENGTH, 1))
    return OpenCommand(
        login=login,
        side=Cmd(cmd).side,
        volume=volume,
        symbol=symbol,
        sl=_read(data, "sl", _price, ZERO),
        tp=_read(data, "tp", _price, ZERO),
        comment=_read(data, "comment", lambda value: read_text(value, COMMENT_LENGTH), ""),
    )


def parse_close(data: Mapping[str, Any]) -> CloseCommand:
    """The fields of `DELETE /trade/close`."""
    login = parse_login(data)
    order = _read(data, "order", _positive)
    volume = _read(data, "volume", _positive, None)
    return CloseCommand(login=login, order=order, volume=None if volume is None else lots_of(volume))


def parse_pending(data: Mapping[str, Any]) -> OpenPendingCommand:
    """The fields of `POST /trade/open/pending`."""
    login = parse_login(data)
    cmd = Cmd(_read(data, "cmd", _pending_cmd))
    volume = lots_of(_read(data, "volume", _positive))
    symbol = _read(data, "symbol", lambda value: read_text(value, SYMBOL_LENGTH, 1))
    return OpenPendingCommand(
        login=login,
        side=cmd.side,
        kind=cmd.kind,
        volume=volume,
        symbol=symbol,
        open_price=_read(data, "open_price", _price_above_zero),
        sl=_read(data, "sl", _price, ZERO),
        tp=_read(data, "tp", _price, ZERO),
        expiration_at=_instant(_read(data, "expiration", read_seconds, 0)),
        comment=_read(data, "comment", lambda value: read_text(value, COMMENT_LENGTH), ""),
    )


def parse_modify_open(data: Mapping[str, Any]) -> ModifyCommand:
    """The fields of `PUT /trade/modify/open`."""
    return ModifyCommand(
        login=parse_login(data),
        order=_read(data, "order", _positive),
        changes=Changes(sl=_read(data, "sl", _price, None), tp=_read(data, "tp", _price, None)),
        stage=Stage.OPEN,
    )


def parse_modify_pending(data: Mapping[str, Any]) -> ModifyCommand:
    """The fields of `PUT /trade/modify/pending`."""
    return replace(parse_modify(data), stage=Stage.PENDING)


def parse_modify(data: Mapping[str, Any]) -> ModifyCommand:
    """The fields of `trade.modify`, for open tickets and pending orders alike."""
    login = parse_login(data)
    order = _read(data, "order", _positive)
    open_price = _read(data, "open_price", _price_above_zero, None)
    sl, tp = _read(data, "sl", _price, None), _read(data, "tp", _price, None)
    expiration = _read(data, "expiration", read_seconds, None)
    changes = Changes(sl, tp, open_price, _instant(expiration or 0), never_expires=expiration == 0)
    return ModifyCommand(login, order, changes)


def parse_cancel(data: Mapping[str, Any]) -> CancelCommand:
    """The fields of `DELETE /trade/cancel`."""
    return CancelCommand(login=parse_login(data), order=_read(data, "order", _positive))


def parse_login(data: Mapping[str, Any]) -> int | None:
    """The field `login`, where the account is named; None when it is not sent."""
    return _read(data, "login", _positive, None)


def _read(data: Mapping[str, Any], name: str, reader: Callable[[object], Any], default: Any = _ABSENT) -> Any:
    value = data.get(name, _ABSENT)
    if value is _ABSENT:
        if default is _ABSENT:
            raise invalid(name, _("is required"))
        return default
    try:
        return reader(value)
    except NotAccepted as error:
        raise invalid(name, error.message) from error


def _market_cmd(value: object) -> int:
    number = read_whole(value)
    if number not in (Cmd.BUY, Cmd.SELL):
        raise NotAccepted(_("must be 0 (buy) or 1 (sell)"))
    return number


def _pending_cmd(value: object) -> int:
    number = read_whole(value)
    if number not in (Cmd.BUY_LIMIT, Cmd.SELL_LIMIT, Cmd.BUY_STOP, Cmd.SELL_STOP):
        raise NotAccepted(_("must be 2 (buy limit), 3 (sell limit), 4 (buy stop) or 5 (sell stop)"))
    return number


def _positive(value: object) -> int:
    return read_whole(value, 1)


def _price(value: object) -> Decimal:
    number = read_decimal(value)
    if number < 0:
        raise NotAccepted(_("must not be negative"))
    return number


def _price_above_zero(value: object) -> Decimal:
    number = read_decimal(value)
    if number <= 0:
        raise NotAccepted(_("must be above 0"))
    return number


def _instant(seconds: int) -> datetime | None:
    return from_unix(seconds) if seconds else None


def _digest(*parts: object) -> str:
    # repr() quotes text, so that no two different lists of parts look the same.
    return sha256(repr(parts).encode()).hexdigest()
