"""D19: from which loss on nothing new is opened."""

from decimal import Decimal as D

import pytest

from copytrade.domain.follower_stops import FollowerStop, Reached, stop_reached


def stop(start="10000", peak="10000", **limits):
    terms = {name: D(0) for name in ("max_loss", "max_loss_percent", "max_drawdown_percent")}
    return FollowerStop(**terms | {k: D(v) for k, v in limits.items()}, start_equity=D(start), peak_equity=D(peak))


@pytest.mark.parametrize(
    ("limits", "equity", "told"),
    [
        ({"max_loss": "500"}, "9500.01", None),
        ({"max_loss": "500"}, "9500", ("500", "500")),
        ({"max_loss": "500"}, "9000", ("1000", "500")),
        ({"max_loss_percent": "10"}, "9000.01", None),
        ({"max_loss_percent": "10"}, "9000", ("10 %", "10 %")),
        ({"max_loss_percent": "12.5"}, "8000", ("20 %", "12.5 %")),
        # from the start, never from the peak
        ({"max_loss": "500", "peak": "12000"}, "9600", None),
        ({"max_loss_percent": "10", "peak": "12000"}, "9600", None),
        ({"max_drawdown_percent": "20", "peak": "12000"}, "9600.01", None),
        ({"max_drawdown_percent": "20", "peak": "12000"}, "9600", ("20 %", "20 %")),
        # a peak that was never noted is at least the start
        ({"max_drawdown_percent": "20", "peak": "1"}, "8000", ("20 %", "20 %")),
        # the first of several
        ({"max_loss": "100", "max_loss_percent": "1", "max_drawdown_percent": "1"}, "9900", ("100", "100")),
        ({"max_loss": "200", "max_loss_percent": "1"}, "9900", ("1 %", "1 %")),
    ],
)
def test_a_limit_is_reached_when_the_loss_equals_it(limits, equity, told):
    assert stop_reached(stop(**limits), D(equity)) == (None if told is None else Reached(*told))


@pytest.mark.parametrize("equity", ["0", "-50", "9000", "20000"])
def test_without_limits_nothing_is_ever_reached(equity):
    assert stop_reached(stop(), D(equity)) is None


def test_a_profit_is_no_loss():
    every = stop(max_loss="1", max_loss_percent="1", max_drawdown_percent="1", peak="10500")
    assert stop_reached(every, D(10500)) is None


@pytest.mark.parametrize("start", ["0", "-100"])
def test_when_all_was_paid_out_any_loss_is_more_than_any_percent(start):
    assert stop_reached(stop(start, start, max_loss_percent="50"), D(start)) is None
    assert stop_reached(stop(start, start, max_loss_percent="50"), D(start) - 1) == Reached("100 %", "50 %")
