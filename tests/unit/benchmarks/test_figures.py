"""The benchmark's arithmetic. What it measures is never asserted: a busy machine would fail the tests."""

import pytest

from benchmarks.figures import compared, median_of_runs, percentile, percentiles, ratio


@pytest.mark.parametrize(
    ("share", "value"),
    [(50, 3.0), (20, 1.0), (20.1, 2.0), (80, 4.0), (99, 5.0), (100, 5.0)],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], share) == value


def test_a_single_value_is_every_percentile() -> None:
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0}


def test_the_tail_of_two_hundred_values_is_the_third_worst() -> None:
    values = [float(number) for number in range(1, 201)]
    assert percentiles(values) == {"p50": 100.0, "p95": 190.0, "p99": 198.0}


@pytest.mark.parametrize("share", [0, -1, 100.1])
def test_no_share_outside_a_hundred_per_cent(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)
    with pytest.raises(ValueError, match="nothing was run"):
        median_of_runs([])


def test_one_disturbed_run_does_not_decide() -> None:
    runs = [{"p50": 2.0, "p99": 4.0}, {"p50": 90.0, "p99": 900.0}, {"p50": 3.0, "p99": 5.0}]
    assert median_of_runs(runs) == {"p50": 3.0, "p99": 5.0}


def test_ratios_compare_the_medians_of_the_runs_figure_by_figure() -> None:
    """Product runs have p50 2, 4, 6 and floors 1, 2, 9: the medians 4 and 2 count, not the mean of the runs' ratios."""
    found = compared("ack", product=[[2.0], [4.0], [6.0]], floor=[[1.0], [2.0], [9.0]])
    assert found.ratios == {"p50": 2.0, "p95": 2.0, "p99": 2.0}


def test_the_tail_has_a_ratio_of_its_own() -> None:
    found = compared("ack", product=[[1.0, 1.0, 8.0]], floor=[[1.0, 1.0, 2.0]])
    assert found.ratios["p50"] == 1.0
    assert found.ratios["p99"] == 4.0


def test_nothing_is_compared_with_nothing() -> None:
    with pytest.raises(ValueError, match="floor"):
        ratio(1.0, 0.0)
