"""The texts of the socket: strict reading of what comes in, one encoder for what goes out."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.utils.translation import gettext as _

from core.errors import DomainError, invalid
from infra.api.parsers import loads, malformed
from infra.api.wire import NotAccepted, read_text, read_whole
from infra.outbox import Message

MAX_MESSAGE_BYTES: Final = 64 * 1024
MAX_SUBSCRIBE_ITEMS: Final = 1000
ID_LENGTH: Final = 64
SYMBOL_LENGTH: Final = 32

PONG: Final = Message("pong")

_encode = msgspec.json.Encoder(decimal_format="number").encode


def said(body: dict[str, Any]) -> Message:
    """A message of the server."""
    return Message(_encode(body).decode())


def refused(error: DomainError) -> Message:
    """The answer to a message that cannot be used."""
    return said({"event": "error", "error": error.code, "message": str(error.message)})


def trade_refused(command_id: str | None, error: DomainError) -> Message:
    """The answer to a trade command that was not carried out; extra keys such as `rule` come along."""
    body = {"event": "trade.error", "id": command_id, "error": error.code, "message": str(error.message)}
    return said(error.extra | body)


def read_message(text: str | None) -> dict[str, Any]:
    """A message as an object with exact numbers; `DomainError` 400 for everything else."""
    if text is None:
        raise malformed(_("Messages are text."))
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode(errors="replace")) > MAX_MESSAGE_BYTES:
        raise malformed(_("The message is too large."))
    payload = loads(text)
    if not isinstance(payload, dict):
        raise malformed(_("The message must be a JSON object."))
    return payload


def read_event(payload: Mapping[str, Any]) -> str:
    """The name of what the client wants."""
    return _read("event", lambda: read_text(payload.get("event"), 64, 1))


def read_active_login(payload: Mapping[str, Any]) -> int:
    """The account that `account.switch` names; 0 for all own."""
    return _read("active_login", lambda: read_whole(payload.get("active_login"), 0))


def read_names(payload: Mapping[str, Any]) -> list[str]:
    """The symbols and topics of `subscribe` and `unsubscribe`, each once, in their order."""
    names = payload.get("data")
    if not isinstance(names, list):
        raise invalid("data", _("must be a list"))
    if len(names) > MAX_SUBSCRIBE_ITEMS:
        raise invalid("data", _("must have at most %(most)s items") % {"most": MAX_SUBSCRIBE_ITEMS})
    return list(dict.fromkeys(_read("data", lambda n=name: read_text(n, SYMBOL_LENGTH, 1)) for name in names))


def read_command_id(payload: Mapping[str, Any]) -> str:
    """The client's id of a trade command."""
    return _read("id", lambda: read_text(payload.get("id"), ID_LENGTH, 1))


def read_data(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a trade command."""
    data = payload.get("data")
    if not isinstance(data, dict):
        raise invalid("data", _("must be an object"))
    return data


def _read(name: str, reader: Any) -> Any:
    try:
        return reader()
    except NotAccepted as error:
        raise invalid(name, error.message) from error
