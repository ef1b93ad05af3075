"""The table of states: complete, followed by every function of the house, and the same in its documentation."""

from itertools import product
from pathlib import Path

import pytest

from core.rounding import ZERO
from core.states import Cmd, Side, TicketKind, TradeState
from tests.support.house import AT, D, account, how, market, snapshot, spec
from trading.domain.execution import close_market, modify_stops
from trading.domain.pending import EXPIRED, cancel_pending, modify_pending, trigger_pending
from trading.domain.states import TRANSITIONS, Stage, Trigger, advance, permits, stage_of
from trading.domain.values import Journal, OrderRecord, Refused, Ticket

QUOTES = market(EURUSD=("1.10000", "1.10020"))
FINAL = (Stage.CLOSED, Stage.CLOSED_PART, Stage.DELETED)


def ticket_in(stage):
    kind = TicketKind.LIMIT if stage in (Stage.PENDING, Stage.DELETED) else TicketKind.MARKET
    return Ticket(
        id=1, spec=spec("EURUSD"), side=Side.BUY, volume=D(1), open_price=D("1.09"), open_at=AT, kind=kind, state=stage.state
    )  # fmt: skip


STORED = [stage for stage in Stage if stage is not Stage.NEW]


@pytest.mark.parametrize(("stage", "trigger"), list(product(STORED, Trigger)))
def test_every_pair_is_in_the_table_or_refused(stage, trigger):
    ticket = ticket_in(stage)
    assert stage_of(ticket) is stage
    if (stage, trigger) in TRANSITIONS:
        assert permits(ticket, trigger)
        advance(ticket, trigger)
        assert stage_of(ticket) is TRANSITIONS[stage, trigger]
    else:
        assert not permits(ticket, trigger)
        with pytest.raises(KeyError):
            advance(ticket, trigger)
        assert stage_of(ticket) is stage


def test_nothing_leads_out_of_an_end_and_everything_leads_to_one():
    assert not [pair for pair in TRANSITIONS if pair[0] in FINAL]
    living = {stage for stage, _trigger in TRANSITIONS}
    assert living == {Stage.NEW, Stage.PENDING, Stage.OPEN}
    assert all(any(TRANSITIONS.get((stage, t)) in FINAL for t in Trigger) for stage in living - {Stage.NEW})


def house_does(trigger, ticket, owner, journal):
    """What the house offers for a trigger of a stored record."""
    price = ticket.open_price
    calls = {
        Trigger.CLOSE: lambda: close_market(journal, QUOTES, owner, ticket, None, how()),
        Trigger.REDUCE: lambda: close_market(journal, QUOTES, owner, ticket, D("0.4"), how()),
        Trigger.FILL: lambda: trigger_pending(journal, QUOTES, owner, ticket, price, how()),
        Trigger.CANCEL: lambda: cancel_pending(journal, owner, ticket, how()),
        Trigger.EXPIRE: lambda: cancel_pending(journal, owner, ticket, how(), EXPIRED),
    }
    return calls[trigger]()


@pytest.mark.parametrize(
    ("stage", "trigger"),
    list(product(STORED, (Trigger.CLOSE, Trigger.REDUCE, Trigger.FILL, Trigger.CANCEL, Trigger.EXPIRE))),
)
def test_the_house_follows_the_table(stage, trigger):
    ticket, owner, journal = ticket_in(stage), account(), Journal()
    {Stage.OPEN: owner.tickets, Stage.PENDING: owner.pending}.get(stage, []).append(ticket)
    before = snapshot(owner, journal)
    outcome = house_does(trigger, ticket, owner, journal)
    if (stage, trigger) in TRANSITIONS:
        assert isinstance(outcome, OrderRecord)
        assert stage_of(ticket) is TRANSITIONS[stage, trigger]
    else:
        assert outcome == Refused("RET_TRADE_INCORRECT_STATE")
        assert stage_of(ticket) is stage
        assert snapshot(owner, journal) == before


@pytest.mark.parametrize("stage", STORED)
def test_only_what_waits_or_is_open_can_be_modified_each_in_its_own_way(stage):
    ticket, owner, journal = ticket_in(stage), account(), Journal()
    {Stage.OPEN: owner.tickets, Stage.PENDING: owner.pending}.get(stage, []).append(ticket)
    stops = modify_stops(journal, QUOTES, owner, ticket, D("1.08"), ZERO, how())
    price = modify_pending(journal, QUOTES, owner, ticket, D("1.091"), D("1.08"), ZERO, None, how())
    assert isinstance(stops, OrderRecord) == (stage is Stage.OPEN)
    assert isinstance(price, OrderRecord) == (stage is Stage.PENDING)


@pytest.mark.parametrize("cmd", list(Cmd)[:6])
def test_a_command_is_a_side_and_a_kind(cmd):
    assert Cmd.of(cmd.side, cmd.kind) is cmd


def test_pending_and_open_share_the_state_of_the_wire():
    assert Stage.PENDING.state is Stage.OPEN.state is TradeState.OPEN
    assert {stage.state.value for stage in FINAL} == {3, 4, 6}


def test_the_documentation_shows_this_table():
    text = (Path(__file__).parents[3] / "docs" / "algorithms" / "orders.md").read_text()
    rows = {
        tuple(cell.strip(" `") for cell in line.split("|")[1:4]) for line in text.splitlines() if line.startswith("| `")
    }
    assert rows == {(a.value, t.value, b.value) for (a, t), b in TRANSITIONS.items()}
