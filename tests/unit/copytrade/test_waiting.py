"""Who is served next: exits first, then whoever waits longest; nobody twice before the others."""

from datetime import timedelta

from copytrade.engine.doorbell import REST_AFTER_FAILURE, RestingShards, WaitingLeaders
from core.clock import from_unix

ONE, TWO, THREE = (1, 1), (1, 2), (2, 3)


def test_the_longest_waiting_comes_first():
    line = WaitingLeaders()
    for leader in (ONE, TWO, ONE, THREE):
        line.add(leader)
    assert [line.take(), line.take(), line.take()] == [ONE, TWO, THREE]
    assert not line


def test_an_exit_comes_before_every_entry():
    line = WaitingLeaders()
    line.add(ONE)
    line.add(TWO, urgent=True)
    line.add(THREE, urgent=True)
    assert [line.take(), line.take(), line.take()] == [TWO, THREE, ONE]


def test_an_exit_moves_its_leader_up_and_a_later_entry_does_not_move_it_back():
    line = WaitingLeaders()
    line.add(ONE)
    line.add(TWO)
    line.add(TWO, urgent=True)
    line.add(TWO)
    assert [line.take(), line.take()] == [TWO, ONE]
    assert not line


def test_a_leader_that_goes_on_goes_to_the_end_of_the_line():
    line = WaitingLeaders()
    line.add(ONE)
    line.add(TWO)
    line.add(line.take())
    assert [line.take(), line.take()] == [TWO, ONE]


def test_a_failed_shard_rests_for_a_moment():
    at = from_unix(1_000)
    resting = RestingShards()
    resting.add(7, at)
    assert resting.now(at) == [7]
    assert resting.now(at + REST_AFTER_FAILURE + timedelta(microseconds=1)) == []
