"""D19: of what tenant, master and follower have set the tightest holds, and it is told whose it is."""

from decimal import Decimal as D
from itertools import product

import pytest

from copytrade.domain.follower_stops import follower_stop, stop_reached
from copytrade.domain.limits import LIMITS, Limit, Whose, bounded_by, tightest

FOLLOWER, MASTER, TENANT = Whose


@pytest.mark.parametrize(
    ("name", "follower", "master", "tenant", "holds"),
    [
        ("max_positions", 0, 0, 0, Limit(D(0))),
        ("max_positions", 5, 0, 0, Limit(D(5), FOLLOWER)),
        ("max_positions", 5, 3, 8, Limit(D(3), MASTER)),
        ("max_positions", 0, 0, 8, Limit(D(8), TENANT)),
        ("max_positions", 3, 3, 3, Limit(D(3), FOLLOWER)),
        ("max_positions", 4, 3, 3, Limit(D(3), MASTER)),
        ("min_equity", 500, 0, 100, Limit(D(500), FOLLOWER)),
        ("min_equity", 50, 1000, 100, Limit(D(1000), MASTER)),
        ("slippage_tolerance", 0, 30, 20, Limit(D(20), TENANT)),
        ("max_loss_percent", 50, 0, 30, Limit(D(30), TENANT)),
    ],
)
def test_the_tightest_holds(name, follower, master, tenant, holds):
    assert tightest(name, follower=D(follower), master=D(master), tenant=D(tenant)) == holds


def test_nobody_can_loosen_what_another_has_set():
    values = [D(0), D(1), D(5), D(20)]
    for name, of in product(LIMITS, product(values, repeat=3)):
        held = tightest(name, follower=of[0], master=of[1], tenant=of[2])
        for value in of:
            if value:
                assert held.value >= value if name == "min_equity" else 0 < held.value <= value


def test_only_others_limits_are_named():
    limits = [("max_positions", Limit(D(3), MASTER)), ("min_equity", Limit(D(9), FOLLOWER)), ("max_loss", Limit(D(0)))]
    assert bounded_by(limits) == (("max_positions", "MASTER"),)


def test_a_stop_is_made_of_the_tightest_limits():
    own, master, tenant = [D(900), D(0), D(60)], [D(0), D(20), D(0)], [D(500), D(0), D(40)]
    stop = follower_stop(own, master, tenant, [D(10_000), D(12_000)])
    assert (stop.max_loss, stop.max_loss_percent, stop.max_drawdown_percent) == (500, 20, 40)
    assert stop_reached(stop, D("9500.01")) is None
    reached = stop_reached(stop, D(9500))
    assert reached is not None
    assert (reached.loss, reached.limit, reached.bounded_by) == ("500", "500", {"whose": "TENANT"})
