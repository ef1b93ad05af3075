"""A day's figures: payments are neither gains nor losses."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from trading.domain.snapshots import DayOfEvents, Stand, day_figures

MONEY = st.decimals(-10_000, 10_000, places=2)


def test_the_day_of_the_documentation():
    told = DayOfEvents(flow=D(3000), low=D(9780), high=D(10980))
    figures = day_figures(Stand(D(10_000), 7), told, D(12_980), D(12_980), None, "USD")
    assert (figures.low, figures.high, figures.flow) == (D(12_780), D(13_980), D(3000))


def test_marks_count_and_are_rounded_like_money():
    told = DayOfEvents(flow=D(-100))
    figures = day_figures(Stand(D(500)), told, D(400), D(400), (D("480.005"), D("520.015")), "USD")
    assert (figures.low, figures.high) == (D("380.00"), D("420.02"))


@given(MONEY, st.lists(st.tuples(MONEY, MONEY), max_size=8), MONEY)
def test_payments_alone_leave_no_trace_in_low_and_high(start, steps, result):
    """The same gains and losses, once with payments between them and once without: low and high differ by the flow."""

    def lived(pays: bool) -> tuple[D, D, D]:
        equity, paid, seen = start, D(0), []
        for gain, payment in steps:
            equity += gain
            seen.append(equity - paid)  # an event carries the equity before it
            if pays:
                equity, paid = equity + payment, paid + payment
        equity += result
        told = DayOfEvents(paid, min(seen, default=None), max(seen, default=None))
        figures = day_figures(Stand(start), told, equity, equity, None, "USD")
        assert figures.low <= figures.equity <= figures.high
        assert figures.low - figures.flow <= start <= figures.high - figures.flow
        return figures.low - figures.flow, figures.high - figures.flow, figures.equity - figures.flow

    assert lived(pays=True) == lived(pays=False)
