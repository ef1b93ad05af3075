"""A small terminal: signs in, shows accounts, streams quotes and trades, opens and closes a position, shows copies.

    python examples/terminal.py --url http://127.0.0.1:8000 --email anna@example.com --symbols EURUSD,XAUUSD
    python examples/terminal.py --email anna@example.com --trade buy:0.10:EURUSD --hold 3 --seconds 10

The password is read from COPYTRADE_PASSWORD, or asked for. Needs only `httpx` and `websockets`.
"""

import argparse
import asyncio
import contextlib
import getpass
import itertools
import json
import os
import sys
import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

COMMANDS = ["buy", "sell", "buy limit", "sell limit", "buy stop", "sell stop", "deposit", "", "withdrawal"]
TRADE_CHANGES = {0: "added", 1: "updated", 2: "deleted", 6: "closed"}
WAIT_SECONDS = 15


class Refused(Exception):
    """The server said no: a stable code, and a sentence for a person."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(f"{body['error']}: {body['message']}")
        self.code: str = body["error"]


class Rest:
    """The HTTP side: JSON in, JSON out, the token in a header."""

    def __init__(self, url: str) -> None:
        self.client = httpx.AsyncClient(base_url=url, timeout=20, trust_env=False)

    async def call(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        response = await self.client.request(method, path, json=body, params=query)
        # Prices and money are decimals; a float would round them.
        answer = json.loads(response.text, parse_float=Decimal)
        if response.is_error:
            raise Refused(answer)
        return answer

    async def sign_in(self, email: str, password: str, tenant: str | None) -> dict[str, Any]:
        """Signs in, asking for the second factor when the account has one."""
        body = {"email": email, "password": password} | ({"tenant": tenant} if tenant else {})
        try:
            profile = await self.call("POST", "/customer/auth/login", body=body)
        except Refused as refused:
            if refused.code != "OTP_REQUIRED":
                raise
            body["otp_code"] = await asyncio.to_thread(input, "Code from your authenticator: ")
            profile = await self.call("POST", "/customer/auth/login", body=body)
        self.client.headers["Authorization"] = profile["__token"]
        return dict(profile)

    async def rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """A table as objects: its answer names the columns once, and each row is a list."""
        table = await self.call("GET", path, **query)
        return [dict(zip(table["structure"], row, strict=True)) for row in table["rows"]]


class Live:
    """The WebSocket side: one connection for quotes, trades, copies and orders."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        # Ids are remembered for 24 h: a repetition would get the first answer again, and no second trade.
        self.ids = (f"{uuid.uuid4().hex[:12]}-{number}" for number in itertools.count())

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message, default=str))

    async def sign_in(self, token: str) -> None:
        await self.send(authorization=token)
        answer = json.loads(await self.socket.recv())
        if not answer["success"]:
            raise Refused({"error": answer["error"], "message": "The socket does not accept this session."})

    async def order(self, event: str, **data: Any) -> dict[str, Any]:
        """Sends a trade command and waits for its acknowledgement."""
        name = next(self.ids)
        answer = self.answers[name] = asyncio.get_running_loop().create_future()
        await self.send(event=event, id=name, data=data)
        try:
            return await asyncio.wait_for(answer, WAIT_SECONDS)
        finally:
            del self.answers[name]

    async def listen(self, show: Callable[[str], None]) -> None:
        """Reads until the connection ends; answers go to whoever waits for them, everything else is shown."""
        async for text in self.socket:
            frame = json.loads(text, parse_float=Decimal)
            if isinstance(frame, dict) and frame.get("id") in self.answers:
                waiting = self.answers[frame["id"]]
                if frame["event"] == "trade.ack":
                    waiting.set_result(frame["data"])
                else:
                    waiting.set_exception(Refused(frame))
            elif line := readable(frame):
                show(line)


def readable(frame: Any) -> str:
    """One frame as a line; what this program does not know is left out, because kinds may be added."""
    match frame:
        case ["t", symbol, bid, ask, _at]:
            return f"quote    {symbol:<8} {bid} / {ask}"
        case ["b", login, balance, margin, free, _level, equity, *_]:
            return f"account  {login} balance {balance} equity {equity} margin {margin} free {free}"
        case ["o", order, login, symbol, cmd, volume, opened, closed, _t0, _t1, _tp, _sl, _state, *_more, change]:
            price = closed if change == 6 else opened
            lots = Decimal(volume) / 100
            words = f"{COMMANDS[cmd]} {lots:f} {symbol} at {price}" if symbol else COMMANDS[cmd]
            return f"trade    {login} #{order} {TRADE_CHANGES.get(change, change)}: {words}"
        case {"event": "copy.order", "data": copy}:
            return f"copy     {copied(copy)}"
        case {"event": "account.switch" | "error" as event, **rest}:
            return f"{event}  {rest}"
        case {"event": str(event), "data": data}:
            return f"{event}  {data}"
    return ""


def copied(copy: dict[str, Any]) -> str:
    """What became of one leader's trade for one follower."""
    lots = Decimal(copy["volume"]) / 100
    what = f"{copy['action']} {copy['side']} {lots:f} {copy['symbol']}"
    why = f" ({copy['detail'] or copy['reason']})" if copy["reason"] else ""
    return f"{copy['leader_login']} -> {copy['follower_login']}: {what} {copy['status']}{why}"


def show(line: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S}  {line}", flush=True)


async def show_accounts(rest: Rest, profile: dict[str, Any]) -> None:
    show(f"signed in as {profile['email']} ({profile['full_name']})")
    for account in profile["accounts"]:
        money = await rest.call("GET", f"/accounts/{account['login']}")
        words = f"{account['login']} {account['group']} 1:{account['leverage']}"
        show(f"account  {words} equity {money['equity']} {account['currency']}")


async def show_recent_copies(rest: Rest) -> None:
    with contextlib.suppress(Refused):  # the operator may have switched copy trading off
        for copy in await rest.rows("/copytrade/orders", limit=5):
            show(f"copy     {copied(copy)}")


async def trade_once(live: Live, login: int, wish: str, hold: float) -> None:
    """Opens what `wish` (buy:0.10:EURUSD) says, waits, and closes it."""
    side, lots, symbol = wish.split(":")
    volume = int(Decimal(lots) * 100)  # on the wire 100 is one lot
    opened = await live.order("trade.open", login=login, cmd=COMMANDS.index(side), volume=volume, symbol=symbol)
    show(f"opened   #{opened['order']} {side} {lots} {symbol} at {opened['price']}")
    await asyncio.sleep(hold)
    closed = await live.order("trade.close", order=opened["order"])
    show(f"closed   #{closed['order']} at {closed['price']}")


async def run(options: argparse.Namespace, password: str) -> None:
    rest = Rest(options.url)
    async with rest.client:
        profile = await rest.sign_in(options.email, password, options.tenant)
        await show_accounts(rest, profile)
        await show_recent_copies(rest)
        login = options.login or next((account["login"] for account in profile["accounts"]), 0)
        scheme, host, *_ = urlsplit(options.url)
        address = urlunsplit(("wss" if scheme == "https" else "ws", host, "/ws/", "", ""))
        async with connect(address, proxy=None) as socket:
            live = Live(socket)
            await live.sign_in(profile["__token"])
            listening = asyncio.create_task(live.listen(show))
            await live.send(event="account.switch", active_login=login)
            await live.send(event="subscribe", data=[*filter(None, options.symbols.split(",")), "@copy"])
            try:
                async with asyncio.timeout(options.seconds):
                    if options.trade:
                        await trade_once(live, login, options.trade, options.hold)
                    await listening
            except TimeoutError:
                pass
            finally:
                listening.cancel()
        await rest.call("POST", "/customer/auth/logout")
        show("signed out")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the platform answers")
    parser.add_argument("--email", required=True)
    parser.add_argument("--tenant", help="the operator's short name, where the host name does not say it")
    parser.add_argument("--login", type=int, help="the trading account; else the first one")
    parser.add_argument("--symbols", default="EURUSD", help="quotes to stream, separated by commas")
    parser.add_argument("--trade", metavar="SIDE:LOTS:SYMBOL", help="open a position, for example buy:0.10:EURUSD")
    parser.add_argument("--hold", type=float, default=3, help="seconds until it is closed")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds; else with Ctrl-C")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    password = os.environ.get("COPYTRADE_PASSWORD") or getpass.getpass("Password: ")
    try:
        asyncio.run(run(options, password))
    except KeyboardInterrupt:
        return 0
    except (Refused, httpx.HTTPError, ConnectionClosed, OSError) as error:
        print(error or type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
