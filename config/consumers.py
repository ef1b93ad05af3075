"""The terminals' socket: one Channels consumer, handing what arrives to `config.terminal`, and live frames out.

Messages of one socket are handled strictly in order, one at a time; frames from the hub go out in between. Channels'
own dispatcher is left out (two tasks and a thread hop for every message), and so are its groups: see `infra.hub`.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from channels.consumer import AsyncConsumer
from django.http import parse_cookie
from django.utils.translation import gettext as _

from accounts.middleware import COOKIE
from config.terminal import access, messages, orders
from config.terminal.access import Signed
from core import clock
from core.errors import DomainError, Kind, forbidden, invalid
from infra import hub as hubs
from infra.api.errors import refusal_of
from infra.audience import STAFF
from infra.hub import Key, hub
from infra.outbox import Message, Outbox, outbox_for
from infra.push import Frame

logger = logging.getLogger(__name__)

UNAUTHORIZED: Final = hubs.SESSION_ENDED
TOO_MANY_ERRORS: Final = 1008
TRY_AGAIN: Final = 1013
AUTHORIZATION_SECONDS: Final = 10
ERRORS_IN_A_ROW: Final = 20
MAX_SUBSCRIPTIONS: Final = 2000
COPY: Final = "@copy"
STAFF_TOPICS: Final = frozenset({COPY, "@masters", "@bots"})


class TerminalConsumer(AsyncConsumer):
    """One socket, from its authorization to its end. Implements `infra.hub.Listener`."""

    channel_layer_alias: ClassVar[Any] = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The socket's life: receive, handle, until the client or the session is gone."""
        self._headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        self._outbox: Outbox = outbox_for(send)
        self._keys: set[Key] = set()
        self._desk: orders.Desk | None = None
        self._active_login: int | None = None
        self._seq = 0
        self._errors = 0
        self._timer: asyncio.TimerHandle | None = None
        try:
            while True:
                message = await receive()
                match message["type"]:
                    case "websocket.receive":
                        if not self._outbox.closed:
                            await self._received(message.get("text"))
                    case "websocket.connect":
                        await send({"type": "websocket.accept"})
                        await self._connected()
                    case "websocket.disconnect":
                        return
        finally:
            self._forget()
            if self._timer is not None:
                self._timer.cancel()
            self._outbox.discard()

    # --- What the hub calls -----------------------------------------------------------------------------------------

    def deliver(self, message: Message) -> None:
        self._outbox.send(message)

    def deliver_copy(self, frame: Frame) -> None:
        self._seq += 1
        event = json.dumps(frame.event)
        self._outbox.send(Message(f'{{"event":{event},"seq":{self._seq},"data":{frame.text}}}'))

    def end(self, code: int) -> None:
        self._forget()
        self._outbox.close(code)

    # --- Authorization ----------------------------------------------------------------------------------------------

    async def _connected(self) -> None:
        self._end_after(AUTHORIZATION_SECONDS)
        token = self._cookie_token()
        if token is not None:
            # An old cookie says nothing about this client: it may still send a token.
            await self._authorize(token, in_browser=True, required=False)

    def _cookie_token(self) -> str | None:
        """The browser's token, only for pages of the host that is connected to: any page may open a socket."""
        token = parse_cookie(self._headers.get(b"cookie", "")).get(COOKIE)
        try:
            same = urlsplit(self._headers.get(b"origin", "")).netloc.lower() == self._host().lower() != ""
        except ValueError:
            return None
        return token if token and same else None

    def _host(self) -> str:
        return self._headers.get(b"host", "")

    async def _authorize(self, token: object, *, in_browser: bool = False, required: bool = True) -> None:
        """Takes over the session that `token` names. A later token replaces the session, with all it listens to."""
        signed = None
        if isinstance(token, str):
            bare = token[7:] if token[:7].lower() == "bearer " else token
            signed = await access.in_thread(access.signed_by, bare.strip(), self._host())
        if signed is None:
            if required:
                self._reply({"event": "authorization", "success": False, "error": "INVALID_TOKEN"})
                self.end(UNAUTHORIZED)
            return
        await self._signed_in(signed, in_browser)

    async def _signed_in(self, signed: Signed, in_browser: bool) -> None:
        actor = signed.actor
        if not (actor.is_customer or actor.is_account or actor.is_staff):
            self._reply({"event": "authorization", "success": False, "error": "UNSUPPORTED_SESSION"})
            self.end(UNAUTHORIZED)
            return
        self._forget()
        self._desk = orders.Desk(signed, in_browser)
        self._active_login = None
        self._end_after((signed.claims.expires_at - clock.now()).total_seconds())
        hub().when_blind(access.end_dead_sessions)
        await hub().start()
        # Joined before the answer: from the answer on, nothing is missed. It ends at once if it was revoked meanwhile.
        self._join(hubs.session_key(actor.tenant_id, actor.session_id))
        self._join(hubs.customer_key(actor.tenant_id, actor.user_id, actor.login or 0))
        if actor.login is not None:
            self._activate(actor.login)
        await hub().announce((actor.tenant_id, actor.user_id))
        self._reply({"event": "authorization", "success": True})

    def _end_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0), self.end, UNAUTHORIZED)

    # --- What the client says ---------------------------------------------------------------------------------------

    async def _received(self, text: str | None) -> None:
        try:
            if self._desk is None:
                await self._first_message(text)
            elif text == "ping":
                self._outbox.send(messages.PONG)
            else:
                await self._handle(messages.read_message(text))
        except orders.SessionEnded:
            self.end(UNAUTHORIZED)
            return
        except Exception as error:
            self._failed(error)
            return
        self._errors = 0

    async def _first_message(self, text: str | None) -> None:
        try:
            payload = messages.read_message(text)
        except DomainError:
            payload = {}
        if "authorization" not in payload:
            self.end(UNAUTHORIZED)
            return
        try:
            await self._authorize(payload["authorization"])
        except Exception as error:
            # Nobody was let in; most likely the database is away.
            self._failed(error)
            self.end(TRY_AGAIN)

    def _failed(self, error: Exception) -> None:
        refusal = refusal_of(error)
        if refusal is None:
            logger.error("a socket's message could not be handled", exc_info=error)
            refusal = DomainError(Kind.UNAVAILABLE, "INTERNAL_ERROR", _("Something went wrong on our side."))
        self._outbox.send(messages.refused(refusal))
        if refusal.kind.value < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._errors += 1
        if self._errors >= ERRORS_IN_A_ROW:
            self.end(TOO_MANY_ERRORS)

    async def _handle(self, payload: dict[str, Any]) -> None:
        if "authorization" in payload and "event" not in payload:
            await self._authorize(payload["authorization"])
            return
        assert self._desk is not None
        event = messages.read_event(payload)
        if event in orders.COMMANDS:
            await self._trade(self._desk, event, payload)
            return
        handler = self._EVENTS.get(event)
        if handler is None:
            raise invalid("event", _("is not known"))
        await handler(self, self._desk, payload)

    async def _switch(self, desk: orders.Desk, payload: dict[str, Any]) -> None:
        login = messages.read_active_login(payload)
        actor = desk.signed.actor
        try:
            if actor.is_account and login not in (0, actor.login):
                raise forbidden("PERMISSION_DENIED", "")
            if login and not actor.is_account:
                desk.accounts[login] = await access.in_thread(access.account_of, actor, login)
        except DomainError:
            self._reply({"event": "account.switch", "success": False, "error": "PERMISSION_DENIED"})
            return
        # An account session has only one account of its own, so 'all own' is that one.
        self._activate(actor.login or login)
        self._reply({"event": "account.switch", "success": True, "active_login": login})

    async def _subscribe(self, desk: orders.Desk, payload: dict[str, Any]) -> None:
        names = messages.read_names(payload)
        tenant_id = desk.signed.actor.tenant_id
        symbols = [name for name in names if not name.startswith("@")]
        topics = {name: self._topic_key(desk, name) for name in names if name.startswith("@")}
        fresh = {symbol: hubs.quote_key(tenant_id, symbol) for symbol in symbols}
        if len(self._keys | set(fresh.values())) > MAX_SUBSCRIPTIONS:
            raise invalid("data", _("too many subscriptions on one connection"))
        for key in topics.values():
            self._join(key)
        if topics and desk.signed.actor.is_staff:
            await hub().announce((tenant_id, STAFF))
        if not fresh:
            return
        here = hub()
        added = [key for key in fresh.values() if key not in self._keys]
        for key in added:
            self._join(key)  # before the stored quotes are read, so that none is missed in between
        seen = {key: here.quotes_seen(key) for key in fresh.values()}
        try:
            found = await access.in_thread(access.listings, tenant_id, symbols)
        except Exception:
            for key in added:
                self._leave(key)
            raise
        for listing in found:
            key = fresh.pop(listing.symbol)
            if listing.quote is not None and here.quotes_seen(key) == seen[key]:
                self._outbox.send(Message(listing.quote))
        if fresh:
            for key in fresh.values():
                self._leave(key)
            raise invalid("data", _("unknown symbols: %(symbols)s") % {"symbols": ", ".join(fresh)})

    async def _unsubscribe(self, desk: orders.Desk, payload: dict[str, Any]) -> None:
        for name in messages.read_names(payload):
            if name.startswith("@"):
                self._leave(self._topic_key(desk, name))
            else:
                self._leave(hubs.quote_key(desk.signed.actor.tenant_id, name))

    def _topic_key(self, desk: orders.Desk, topic: str) -> Key:
        actor = desk.signed.actor
        if topic not in STAFF_TOPICS:
            raise invalid("data", _("unknown topic"))
        if actor.is_staff:
            return hubs.staff_key(actor.tenant_id, topic)
        if topic != COPY:
            raise forbidden("PERMISSION_DENIED", _("This topic is for staff."))
        return hubs.copy_key(actor.tenant_id, actor.user_id, actor.login or 0)

    async def _trade(self, desk: orders.Desk, event: str, payload: dict[str, Any]) -> None:
        command_id: str | None = None
        try:
            command_id = messages.read_command_id(payload)
            command = orders.parse(desk, event, messages.read_data(payload), self._active_login)
        except DomainError as error:
            self._outbox.send(messages.trade_refused(command_id, error))
            return
        await orders.carry_out(desk, command_id, command, self._active_login, self._outbox.send)

    _EVENTS: ClassVar[dict[str, Callable[..., Awaitable[None]]]] = {
        "account.switch": _switch,
        "subscribe": _subscribe,
        "unsubscribe": _unsubscribe,
    }

    # --- Keys -------------------------------------------------------------------------------------------------------

    def _activate(self, login: int) -> None:
        """Listens to one account, or with 0 to all accounts of the customer."""
        assert self._desk is not None
        actor = self._desk.signed.actor
        for key in [key for key in self._keys if key[0] in ("account", "own")]:
            self._leave(key)
        self._active_login = login
        if login:
            self._join(hubs.account_key(actor.tenant_id, login))
        elif actor.is_customer:
            self._join(hubs.own_accounts_key(actor.tenant_id, actor.user_id))

    def _join(self, key: Key) -> None:
        self._keys.add(key)
        hub().join(key, self)

    def _leave(self, key: Key) -> None:
        self._keys.discard(key)
        hub().leave(key, self)

    def _forget(self) -> None:
        for key in self._keys:
            hub().leave(key, self)
        self._keys.clear()

    def _reply(self, body: dict[str, Any]) -> None:
        self._outbox.send(messages.said(body))
