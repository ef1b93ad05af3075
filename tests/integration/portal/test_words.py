"""Every word on every page goes through gettext: with a pseudo-language, whatever is left bare is not translated."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils.translation import trans_real

from copytrade.models import CopyMaster, CopySubscription
from core import clock
from infra.tenancy import tenant_scope
from tests.browser.scene import PASSWORD, Scene, scene_trade
from tests.support.reward_scene import change_terms, empty, follow_second, settle, win
from trading.models import Trade

ATTRIBUTES = ("title", "placeholder", "aria-label", "alt")
DATA = re.compile(
    # numbers, money, times, signs, the line of a fee; currencies, symbols and sides; names of people and contracts
    r"[\d.,:/%×·▲▼+−–…≤≥=←→;()\s-]*(?:USD|EUR|ms|s|CSV|UTC|Esc|1:|max)?"
    r"[\d.,:/%×·▲▼+−–…≤≥=←→;()\s-]*(?:USD)?"
)
NAMES = (
    "Northwind Markets", "Steady Trend", "Gold Breakout", "Index Reversal", "Fiona Follower", "Lena Leader", "Real USD",
    "Practice", "Net EUR", "follower@northwind.example", "leader@northwind.example",
    "f***@northwind.example", "America/New_York",
    "TradingView Lightweight Charts™", "TradingView Lightweight Charts", "Copyright (c) TradingView, Inc.", "tradingview.com",
)  # fmt: skip

INITIALS = ("S", "G", "I")


class Pseudo:
    """A catalogue in which every message is its original in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message.split(chr(4))[-1]}⟧"

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        return self.gettext(singular if number == 1 else plural)

    def to_language(self) -> str:
        return "en"

    def language(self) -> str:
        return "en"


class Visible(HTMLParser):
    """What a person sees or hears: text nodes and describing attributes, without scripts and time zone names."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = 0
        self.inside = 0  # a translated sentence may hold markup
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("script", "style", "kbd") or (tag == "select" and values.get("name") in ("timezone", "language")):
            self.silent += 1
        if tag == "time":
            return  # its title is a date, its text goes through ngettext
        self.found += [value for name, value in attrs if name in ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        if self.silent and tag in ("script", "style", "kbd", "select"):
            self.silent -= 1

    def handle_data(self, data: str) -> None:
        if not self.silent and not self.inside and data.strip():
            self.found.append(data.strip())
        self.inside += data.count("⟦") - data.count("⟧")


def bare_words(page: str, data: list[str]) -> list[str]:
    """Visible text that is neither translated nor data."""
    reader = Visible()
    reader.feed(page)
    left = []
    for text in reader.found:
        rest, count = text, 1
        while count:  # sentences may hold sentences
            rest, count = re.subn(r"⟦[^⟦⟧]*(⟧|$)", "", rest)
        for name in sorted(data, key=len, reverse=True):
            rest = rest.replace(name, "")
        if not DATA.fullmatch(rest) and rest not in INITIALS:
            left.append(text)
    return left


@pytest.fixture
def pseudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trans_real._translations, "en", Pseudo())
    # Numbers and dates keep the format of English.
    monkeypatch.setattr(trans_real, "gettext", lambda message: Pseudo().gettext(message) if message else "")


def test_every_word_is_translated(scene: Scene, pseudo: None) -> None:
    client = Client()
    seen: dict[str, Any] = {"/app/sign-in": client.get("/app/sign-in?tenant=demo")}
    client.post("/app/sign-in", {"tenant": "demo", "email": scene.follower_email, "password": PASSWORD})
    order = {"login": scene.follower_login, "symbol": "EURUSD", "was": "EURUSD", "side": "BUY", "volume": "0.10"}
    seen["filled"] = client.post("/app/trade", {**order, "attempt": uuid4().hex})
    seen["refused"] = client.post("/app/trade", {**order, "attempt": uuid4().hex, "volume": "0.015"})
    seen["no number"] = client.post("/app/trade", {**order, "attempt": uuid4().hex, "volume": "x"})
    with tenant_scope(scene.tenant_id):
        ticket = Trade.objects.get(account__login=scene.follower_login, state=0).pk
        subscription = CopySubscription.objects.get(follower__login=scene.follower_login).pk
        # Names of contracts are data.
        contracts = list(Trade.objects.none()) or [text for pair in _contracts() for text in pair if text]
    follow = f"/app/masters/{scene.free_master_login}/follow"
    settings = {
        "follower": scene.spare_login,
        "volume_mode": "2",
        "risk_multiplier": "1",
        "copy_mode": "0",
        "symbols_mode": "0",
    }
    for path in (
        "/app/", "/app/trade", "/app/masters", "/app/masters?view=table", "/app/masters?q=nothing&roi_min=x",
        f"/app/masters/{scene.leader_login}", "/app/masters/new", "/app/masters/mine", follow, "/app/copying",
        f"/app/copying/{subscription}/edit", f"/app/copying/{subscription}/stop", f"/app/positions/{ticket}/close",
        "/app/accounts", "/app/profile", "/app/nowhere",
    ):  # fmt: skip
        seen[path] = client.get(path)
    seen["review"] = client.post(follow, settings)
    scene_trade(scene)
    with tenant_scope(scene.tenant_id):
        led = Trade.objects.filter(account__login=scene.leader_login, cmd=0).latest("pk").pk
    seen["why"] = client.get(f"/app/why/{led}/{scene.follower_login}")
    trial = f"/app/masters/{scene.leader_login}/dry-run"
    seen["dry run"] = client.post(trial, settings)
    seen["dry run that skips"] = client.post(trial, {**settings, "copy_mode": "2", "follower": scene.demo_login})
    seen["dry run that cannot be"] = client.post(trial, {**settings, "volume_mode": "0"})
    seen["paused"] = client.post(f"/app/copying/{subscription}/pause", follow=True)
    seen["opened"] = client.post("/app/accounts/open", {"group": "Practice"})
    pending = {**order, "kind": "LIMIT", "price": "1.07", "attempt": uuid4().hex}
    seen["placed"] = client.post("/app/trade", pending)
    seen["no price"] = client.post("/app/trade", {**pending, "price": "", "attempt": uuid4().hex})
    with tenant_scope(scene.tenant_id):
        waiting = Trade.objects.get(account__login=scene.follower_login, cmd=2).pk
    seen["modify"] = client.get(f"/app/orders/{waiting}/modify")
    seen["cancelled"] = client.post(f"/app/orders/{waiting}/cancel", follow=True)
    seen["/app/notices"] = client.get("/app/notices")
    seen["second factor"] = client.post("/app/profile/second-factor")
    seen["wrong code"] = client.post("/app/profile/second-factor/on", {"code": "1"})
    seen.update(_of_rewards(client, scene))
    client.post("/app/sign-in", {"tenant": "demo", "email": scene.leader_email, "password": PASSWORD})
    seen.update(_of_a_master(client, scene))
    names = [*NAMES, *contracts, *_descriptions(scene)]
    bare = {}
    for name, answer in seen.items():
        page = re.sub(r'<span class="num moment">.*?</span>', "", answer.content.decode())  # a date
        if name in ("opened", "second factor"):
            page = re.sub(r"<code[^>]*>.*?</code>", "", page)
        if left := bare_words(page, names):
            bare[name] = left
    assert bare == {}


def _of_rewards(client: Client, scene: Scene) -> dict[str, Any]:
    """The pages of somebody who pays rewards: paid, not paid, with marks, and with dearer terms that wait."""
    number = follow_second(scene)
    win(scene)
    settle(scene)
    change_terms(scene, {"fee_percent": 15})
    win(scene)
    empty(scene)
    settle(scene)
    with tenant_scope(scene.tenant_id):
        first = CopySubscription.objects.get(leader__login=scene.leader_login).pk
    seen = {
        path: client.get(path)
        for path in (
            "/app/copying", "/app/rewards", "/app/rewards?side=earned", "/app/rewards?state=failed&side=earned",
            f"/app/rewards/{number}?all=1", f"/app/copying/{number}/terms", f"/app/copying/{first}/terms",
        )
    }  # fmt: skip
    settle(scene, clock.now() + timedelta(days=40))
    seen["statement with marks"] = client.get(f"/app/rewards/{first}?all=1")
    return seen


def _of_a_master(client: Client, scene: Scene) -> dict[str, Any]:
    """The pages of somebody who offers a strategy."""
    with tenant_scope(scene.tenant_id):
        own = CopyMaster.objects.get(account__login=scene.leader_login).pk
    place = f"/app/masters/mine/{own}"
    seen = {
        path: client.get(path)
        for path in (
            f"/app/masters/{scene.leader_login}",
            "/app/masters/mine",
            place,
            f"{place}/end",
            "/app/masters/new",
        )
    }
    seen["wrong terms"] = client.post(place, {"fee": "1", "fee_percent": "90"})
    seen["rested"] = client.post(f"{place}/rest", follow=True)
    seen["ended"] = client.post(f"{place}/end", {"open_copies": "keep_exits"}, follow=True)
    return seen


def test_the_check_finds_a_bare_word() -> None:
    assert bare_words("<p title='Bare'>⟦fine⟧ 12.50 <b>Forgotten</b></p>", []) == ["Bare", "Forgotten"]


def _contracts() -> list[tuple[str, str]]:
    from trading.models import Instrument

    return list(Instrument.objects.values_list("symbol", "description"))


def _descriptions(scene: Scene) -> list[str]:
    with tenant_scope(scene.tenant_id):
        return list(CopyMaster.objects.values_list("description", flat=True))
