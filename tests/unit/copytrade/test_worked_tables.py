"""R018, R031 to R039, R172, D03 to D05: every row of the worked tables in docs/algorithms/sizing.md."""

import re
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copytrade.domain.exits import exit_shares
from copytrade.domain.sizing import BALANCE_RATIO, EQUITY_RATIO, FIXED, MULTIPLIER, Notional, Unsized, entry_volume
from copytrade.domain.values import Rounding
from core.rounding import is_multiple
from core.states import EventKind
from tests.support.copies import event, link, terms
from tests.support.house import spec

TEXT = (Path(__file__).parents[3] / "docs" / "algorithms" / "sizing.md").read_text(encoding="utf-8")
MODES = {"FIXED": FIXED, "MULTIPLIER": MULTIPLIER, "EQUITY_RATIO": EQUITY_RATIO, "BALANCE_RATIO": BALANCE_RATIO}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(settings: str, name: str, default: str) -> D:
    found = re.search(rf"\b{name} ([\d.]+)", settings)
    return D(found[1] if found else default)


def rounding_in(settings: str) -> Rounding:
    return next((rule for rule in Rounding if rule.value in settings.split()), Rounding.ENTRY_DOWN_EXIT_UP)


@pytest.mark.parametrize("row", rows("Volume"), ids=" ".join)
def test_volume(row):
    mode, leader, settings, follower, result = row
    lots, symbol = leader.split()
    theirs, mine = spec(symbol), spec(follower)
    first = re.match(r"[\d.]+", settings)
    figure = number(settings, "leader", "1000")
    outcome = entry_volume(
        terms(
            volume_mode=MODES[mode],
            fixed_volume=D(first[0]) if first else D(0),
            risk_multiplier=number(settings, "x", "1"),
            min_volume=number(settings, "min", "0"),
            max_volume=number(settings, "max", "0"),
            rounding=rounding_in(settings),
        ),
        event(after=lots, equity=figure, balance=figure),
        mine,
        equity=number(settings, "follower", "1000"),
        balance=number(settings, "follower", "1000"),
        leader_rate=None if "rate none" in settings else number(settings, "rate", "1"),
        ratio=number(settings, "ratio", "1"),
        notional=Notional(theirs.point_value, mine.point_value, "USD") if "NOTIONAL" in settings else None,
    )
    assert (outcome.reason.value if isinstance(outcome, Unsized) else outcome) == (
        result if result.isupper() else D(result)
    )


@pytest.mark.parametrize("row", rows("Exits"), ids=" ".join)
def test_exits(row):
    rounding, leader, held, taken = row
    closed, before = map(D, leader.split(" of "))
    kind = EventKind.CLOSE if closed == before else EventKind.REDUCE
    leaving = event(kind, before=str(before), after=str(before - closed))
    shares = exit_shares(leaving, [link(held, spec=spec("ES"))], Rounding(rounding))
    assert sum((share for _link, share in shares), D(0)) == D(taken)


lots = st.integers(1, 20_000).map(lambda n: D(n) / 100)


@given(
    st.sampled_from(["EURUSD", "ES", "MES"]), st.sampled_from(list(Rounding)), lots, lots,
    st.decimals("0.1", "1000", places=1), st.integers(1, 10), st.sampled_from(["0", "0.5", "7.77", "40"]),
    st.sampled_from([None, Notional(D(50), D(5), "USD"), Notional(D(5), D(50), "USD")]),
)  # fmt: skip
def test_group_volumes_keep_all_limits_and_rise_with_the_leaders(
    symbol, rounding, first, second, factor, ratio, most, notional
):
    contract = spec(symbol)
    settings = terms(risk_multiplier=factor, rounding=rounding, max_volume=D(most))

    def volume(leader):
        outcome = entry_volume(
            settings, event(after=leader), contract, equity=D(1), balance=D(1), leader_rate=D(1), ratio=D(ratio),
            notional=notional,
        )  # fmt: skip
        return D(0) if isinstance(outcome, Unsized) else outcome

    small, large = sorted((first, second))
    assert volume(small) <= volume(large)
    for outcome in (volume(small), volume(large)):
        assert outcome <= contract.lot_max
        assert not settings.max_volume or outcome <= settings.max_volume
        assert is_multiple(outcome, contract.lot_step)


@given(st.sampled_from(list(Rounding)), st.lists(lots, min_size=1, max_size=4), lots, lots)
def test_exits_never_take_more_than_is_held(rounding, held, before, closed):
    after = max(D(0), before - closed)
    leaving = event(EventKind.REDUCE if after else EventKind.CLOSE, before=str(before), after=str(after))
    links = [link(volume, number) for number, volume in enumerate(held, 1)]
    shares = exit_shares(leaving, links, rounding)
    assert all(D(0) < share <= one.volume for one, share in shares)
    if not after:
        assert sum(share for _one, share in shares) == sum(held)
