"""The guards of an entry: each alone, and their order."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import combinations

import pytest

from copytrade.domain.codes import SkipReason as R
from copytrade.domain.contracts import Offer
from copytrade.domain.follower_stops import FollowerStop
from copytrade.domain.guards import ENTRY_GUARDS, Skip, examine, symbol_passes
from copytrade.domain.sizing import EQUITY_RATIO
from core.states import EventKind, LinkState, Side, TicketKind
from tests.support.copies import EURUSD, book, entry, event, link, terms
from tests.support.house import later


def changed(**changes):
    """A change of the settings."""
    return lambda e: setattr(e, "settings", replace(e.settings, **changes))


def put(**changes):
    """A change of the entry itself."""

    def apply(e):
        for name, value in changes.items():
            setattr(e, name, value)

    return apply


def increase(e):
    e.event = replace(e.event, kind=EventKind.INCREASE, trade_id=999)


def pending(e):
    e.event = replace(e.event, kind=EventKind.PLACE)


def withdrawn(e):
    e.links.add_ended(e.settings.subscription_id, e.event.trade_id, LinkState.CLOSED)


def half_flip(e):
    e.links.add(link("1", 9, leader_trade_id=501, subscription_id=e.settings.subscription_id))
    e.event = replace(e.event, flipped_trade_ids=(502, 501))


def too_many(e):
    # of another leader's trade, so that an increase of trade 999 stays unlinked
    e.links.add(link("1"))
    changed(max_positions=1)(e)


def no_money(e):
    changed(volume_mode=EQUITY_RATIO)(e)
    e.event = replace(e.event, equity=D(0))


def no_rate(e):
    changed(volume_mode=EQUITY_RATIO)(e)
    e.leader_rate = None


FAILURES = [
    (R.MODULE_DISABLED, changed(module_on=False)),
    (R.MASTER_NOT_ACTIVE, changed(master_active=False)),
    (R.GROUP_PAUSED, changed(group_active=False)),
    (R.SUBSCRIPTION_PAUSED, changed(status=1)),
    (R.FOLLOWER_DISABLED, changed(follower_enabled=False)),
    (R.COPY_MODE, changed(copy_mode=2)),
    (R.SYMBOL_FILTERED, changed(symbols_mode=1, symbols="XAU*")),
    (R.CONTRACT_NOT_SYNCED, put(offer=Offer(EURUSD, synced=False))),
    (R.UNMAPPED_CONTRACT, put(spec=None)),
    (R.PENDING_NOT_COPIED, pending),
    (R.NO_LINK, increase),
    (R.ALREADY_FLAT, withdrawn),
    (R.CLOSE_ONLY, half_flip),
    (R.CLOSE_ONLY, put(closing=True)),
    (R.OPPOSITE_SIDE, put(held_side=Side.SELL)),
    (R.QUARANTINED, put(quarantined=True)),
    (R.ACCOUNT_LOCKED, put(locked=True)),
    (R.RISK_LIMIT, put(risk_rule="MAX_LOTS")),
    (R.FOLLOWER_STOPPED, put(stop=FollowerStop(D(500), D(0), D(0), D(10500), D(10500)))),
    (R.MIN_EQUITY, changed(min_equity=D("10000.01"))),
    (R.MAX_POSITIONS, too_many),
    (R.INVALID_EQUITY, no_money),
    (R.NO_CONVERSION_RATE, no_rate),
    (R.BELOW_MIN_VOLUME, changed(min_volume=D(2))),
    (R.ROUNDED_TO_ZERO, put(event=event(after="0.001"))),
    (R.STALE_QUOTE, put(quote_price=None)),
    (R.SLIPPAGE_TOLERANCE, lambda e: (changed(slippage_tolerance=D(5))(e), put(event_price=D("1.10000"))(e))),
    (R.SIGNAL_TOO_OLD, put(at=later(31))),
    (R.CLOSED_BEFORE_COPY, put(closed_later=True)),
    (R.ROLE_CONFLICT, changed(role_is_follower=False)),
]

NOT_TOGETHER = {
    frozenset(pair)
    for pair in [
        (R.NO_LINK, R.MAX_POSITIONS),  # an increase takes no further position
        (R.INVALID_EQUITY, R.BELOW_MIN_VOLUME),  # made by the same values
        (R.NO_LINK, R.ROUNDED_TO_ZERO),
        (R.CLOSE_ONLY, R.ROUNDED_TO_ZERO),
        (R.PENDING_NOT_COPIED, R.NO_LINK),
        (R.PENDING_NOT_COPIED, R.ROUNDED_TO_ZERO),
        (R.INVALID_EQUITY, R.ROUNDED_TO_ZERO),
    ]
}


def refused(*failures):
    examined = entry(links=book())
    for fail in failures:
        fail(examined)
    outcome = examine(examined)
    return outcome.reason if isinstance(outcome, Skip) else None


def test_an_entry_that_nothing_speaks_against_gets_its_volume():
    examined = entry()
    assert examine(examined) is None
    assert examined.volume == 1


@pytest.mark.parametrize(("code", "fail"), FAILURES, ids=[code for code, _f in FAILURES])
def test_each_guard_alone(code, fail):
    assert refused(fail) is code


@pytest.mark.parametrize(
    ("first", "second"),
    [(a, b) for a, b in combinations(FAILURES, 2) if frozenset((a[0], b[0])) not in NOT_TOGETHER],
    ids=lambda pair: pair[0],
)
def test_of_two_failing_guards_the_earlier_one_answers(first, second):
    # the later failure is made first, so that the earlier one has the last word on values that both change
    assert refused(second[1], first[1]) is first[0]


def test_the_order_of_the_examples_is_that_of_the_contract():
    order = list(R)
    positions = [order.index(code) for code, _fail in FAILURES]
    assert positions == sorted(positions)
    assert len(ENTRY_GUARDS) == 27


@pytest.mark.parametrize("change", [{"enabled": False}, {"status": 1}, {"status": 2}, {"ended": True}])
def test_every_way_of_resting_pauses(change):
    assert refused(changed(**change)) is R.SUBSCRIPTION_PAUSED


@pytest.mark.parametrize("mode", [0, 1])
def test_full_sync_and_open_only_let_entries_through(mode):
    assert refused(changed(copy_mode=mode)) is None


def test_an_increase_of_a_copied_trade_passes_and_takes_no_further_position():
    copied = event(EventKind.INCREASE, before="1", after="2")
    assert examine(entry(event=copied, links=book(link("1")), settings=terms(max_positions=1))) is None


def test_links_of_other_subscriptions_do_not_count():
    foreign = book(link("1", subscription_id=99))
    assert examine(entry(links=foreign, settings=terms(max_positions=1))) is None
    added = event(EventKind.INCREASE, before="1", after="2")
    assert examine(entry(event=added, links=foreign)) == Skip(R.NO_LINK, {})


def test_the_same_side_is_not_opposite():
    assert examine(entry(held_side=Side.BUY)) is None


def test_limits_are_inclusive():
    assert refused(changed(min_equity=D(10000))) is None
    assert refused(put(at=later(30))) is None
    assert refused(changed(max_signal_age_seconds=0), put(at=later(100_000))) is None
    ten_points = put(quote_price=D("1.10030"))
    assert refused(changed(slippage_tolerance=D(10)), ten_points) is None
    assert refused(changed(slippage_tolerance=D("9.9")), ten_points) is R.SLIPPAGE_TOLERANCE
    assert refused(ten_points) is None  # 0 is off


def test_a_better_price_is_no_slippage():
    tight = changed(slippage_tolerance=D("0.1"))
    assert refused(tight, put(quote_price=D("1.09"))) is None
    assert refused(tight, put(side=Side.SELL, quote_price=D("1.2"))) is None
    assert refused(tight, put(side=Side.SELL, quote_price=D("1.09"))) is R.SLIPPAGE_TOLERANCE


def test_a_stop_tells_the_loss_and_needs_an_account_that_can_be_priced():
    stopped = put(stop=FollowerStop(D(0), D(0), D(5), D(10000), D("12500")))
    examined = entry()
    stopped(examined)
    assert examine(examined) == Skip(R.FOLLOWER_STOPPED, {"loss": "20 %", "limit": "5 %"})
    assert refused(stopped, put(priced=False)) is R.STALE_QUOTE
    assert refused(put(stop=FollowerStop(D(500), D(0), D(0), D(10499), D(10499)))) is None


def test_an_account_that_cannot_be_priced_is_not_traded():
    assert refused(put(priced=False)) is R.STALE_QUOTE


@pytest.mark.parametrize(
    ("mode", "symbols", "symbol", "passes"),
    [
        (0, "XAUUSD", "EURUSD", True),
        (1, "EURUSD", "EURUSD", True),
        (1, "eurusd , xauusd", "EURUSD", True),
        (1, "XAUUSD", "EURUSD", False),
        (1, "EUR", "EURUSD", False),
        (1, "EUR*", "EURUSD", True),
        (1, "*USD", "EURUSD", False),  # only at the end
        (1, "*", "EURUSD", True),
        (1, "", "EURUSD", False),
        (1, " , ,", "EURUSD", False),
        (2, "EUR*", "EURUSD", False),
        (2, "EUR*", "GBPUSD", True),
        (2, "", "EURUSD", True),
    ],
)
def test_symbol_lists(mode, symbols, symbol, passes):
    assert symbol_passes(terms(symbols_mode=mode, symbols=symbols), symbol) is passes


# --- Pending orders


def placed(**changes):
    return entry(event=event(EventKind.PLACE, ticket_kind=TicketKind.LIMIT), settings=terms(**changes))


def test_a_pending_order_is_copied_where_it_is_wanted_and_never_reversed():
    assert examine(placed(copy_pending_orders=True)) is None
    assert examine(placed()) == Skip(R.PENDING_NOT_COPIED, {})
    assert examine(placed(copy_pending_orders=True, reverse_direction=True)) == Skip(R.PENDING_NOT_COPIED, {})


def test_a_price_of_another_family_is_no_price_here():
    examined = placed(copy_pending_orders=True)
    examined.leader_spec = replace(EURUSD, id=900, family="GOLD")
    assert examine(examined) == Skip(R.PENDING_NOT_COPIED, {})


def test_a_pending_order_may_stand_against_what_is_held():
    examined = placed(copy_pending_orders=True)
    examined.held_side = Side.SELL
    assert examine(examined) is None


def test_a_pending_order_knows_no_slippage():
    examined = placed(copy_pending_orders=True, slippage_tolerance=D(1))
    examined.event_price = D("1.05")
    assert examine(examined) is None


def test_what_was_sized_is_not_sized_again():
    examined = entry(settings=terms(min_volume=D(2)), volume=D("0.3"))
    assert examine(examined) is None
    assert examined.volume == D("0.3")
