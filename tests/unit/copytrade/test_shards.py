"""How followers are dealt to shards."""

import pytest

from copytrade.domain.shards import SHARD_SIZE, SHARED_FROM, shard_choice


def dealt(followers: int) -> list[int]:
    living: list[int] = []
    for _follower in range(followers):
        chosen = shard_choice(living)
        if chosen is None:
            chosen = len(living)
            living.append(0)
        living[chosen] += 1
    return living


@pytest.mark.parametrize(
    ("followers", "shards"),
    [
        (1, [1]),
        (50, [50]),
        (51, [50, 1]),
        (100, [50, 50]),
        (101, [51, 50]),
        (500, [250, 250]),
        (501, [250, 250, 1]),
        (1000, [250, 250, 250, 250]),
    ],
)
def test_few_share_a_shard_and_more_are_dealt_evenly(followers, shards):
    assert dealt(followers) == shards


def test_no_shard_is_ever_too_large():
    assert max(dealt(2_345)) == SHARD_SIZE


def test_who_comes_later_takes_the_place_of_who_has_left():
    assert shard_choice([250, 250, 30]) == 2
    assert shard_choice([250, 12, 30]) == 1
    assert shard_choice([SHARED_FROM - 1]) == 0
