"""D08, D13, D19, D29, D30, X12: every row of the worked tables in docs/algorithms/guards.md."""

import re
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

from copytrade.domain.contracts import Offer
from copytrade.domain.fair import held_quote
from copytrade.domain.follower_stops import FollowerStop
from copytrade.domain.guards import ENTRY_GUARDS, Entry, Skip, examine
from copytrade.domain.limits import tightest
from copytrade.domain.values import Settings
from core.states import EventKind, LinkState, Side, TicketKind
from tests.support.copies import book, entry, event, link
from tests.support.house import AT

TEXT = (Path(__file__).parents[3] / "docs" / "algorithms" / "guards.md").read_text(encoding="utf-8")
STOP = {"started", "peak", "max_loss", "max_loss_percent", "max_drawdown_percent"}
SETTINGS = {field.name: field.type for field in fields(Settings)}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def case(text: str) -> Entry:
    """An entry that nothing speaks against but what the case says."""
    named = dict(part.split(" ", 1) for part in text.split(", ")) if text else {}
    examined = entry(links=book())
    if named.keys() & STOP:
        examined.stop = _stop(named)
    for name, value in named.items():
        if name not in STOP:
            _differ(examined, name, value)
    return examined


def _stop(named: dict[str, str]) -> FollowerStop:
    started = D(named["started"])
    limits = [D(named.get(name, "0")) for name in ("max_loss", "max_loss_percent", "max_drawdown_percent")]
    return FollowerStop(*limits, started, D(named.get("peak", started)))


def _differ(examined: Entry, name: str, value: str) -> None:
    own = examined.settings.subscription_id
    match name:
        case "action":
            kind = TicketKind.LIMIT if value == "PLACE" else TicketKind.MARKET
            before = "1" if value == "INCREASE" else "0"
            after = "2" if value == "INCREASE" else "1"
            examined.event = event(EventKind(value), before=before, after=after, ticket_kind=kind)
        case "copied":
            examined.links.add(link("1"))
        case "open_copies":
            for number in range(int(value)):
                examined.links.add(link("1", 10 + number, leader_trade_id=900 + number))
        case "withdrawn":
            examined.links.add_ended(own, examined.event.trade_id, LinkState.CLOSED)
        case "left_by_flip":
            examined.links.add(link("1", 9, leader_trade_id=501))
            examined.event = replace(examined.event, flipped_trade_ids=(501,))
        case "synced":
            examined.offer = Offer(examined.spec, synced=value == "1")
        case "contract":
            examined.spec = None
        case "exit_owed":
            examined.closing = value == "1"
        case "held":
            examined.held_side = Side(value)
        case "equity":
            examined.equity = D(value)
        case "rate":
            examined.leader_rate = None
        case "quote":
            examined.quote_price = None
        case "points":
            examined.quote_price = examined.event_price + D(value).scaleb(-5)
        case "age":
            examined.at = AT + timedelta(seconds=int(value))
        case "risk_rule":
            examined.risk_rule = value
        case "quarantined" | "locked" | "priced" | "closed_later":
            setattr(examined, name, value == "1")
        case _:
            kinds = {bool: lambda text: text == "1", int: int, D: D, str: str}
            examined.settings = replace(examined.settings, **{name: kinds[SETTINGS[name]](value)})


@pytest.mark.parametrize("row", rows("In order"), ids=lambda row: f"{row[2] or 'nothing'} -> {row[3]}")
def test_the_guards_in_order(row):
    _guard, _compares, text, answer = row
    examined = case(text)
    refused = examine(examined)
    if re.fullmatch(r"[\d.]+", answer):
        assert refused is None
        assert examined.volume == D(answer)
    else:
        assert isinstance(refused, Skip)
        assert refused.reason == answer


def test_every_guard_has_a_row_and_they_stand_in_its_order():
    refusing = [row[3] for row in rows("In order") if not re.fullmatch(r"[\d.]+", row[3])]
    seen = list(dict.fromkeys(refusing))
    guards = list(dict.fromkeys(row[0] for row in rows("In order")))[1:]
    assert len(guards) == len(ENTRY_GUARDS)
    codes = [code.value for code in type(examine(case("module_on 0")).reason) if code.value in seen]
    assert codes == seen


@pytest.mark.parametrize("row", rows("Whose limit"), ids=" ".join)
def test_whose_limit_holds(row):
    name, follower, master, tenant, holds, whose = row
    held = tightest(name, follower=D(follower), master=D(master), tenant=D(tenant))
    assert (held.value, held.whose.value if held.whose else "none") == (D(holds), whose)


@pytest.mark.parametrize("row", rows("The fair line"), ids=" ".join)
def test_the_quote_that_is_held(row):
    seconds, met, now, filled = row
    bid, ask = map(D, met.split("/"))
    led = event(bid=bid, ask=ask)
    at = AT + timedelta(seconds=int(seconds))
    quote = held_quote(led, "EURUSD", at) or tuple(map(D, now.split("/")))
    assert quote[1] == D(filled)
    assert held_quote(led, "XAUUSD", at) is None
    assert held_quote(replace(led, source_kind="C"), "EURUSD", at) is None
