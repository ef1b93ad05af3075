"""The demo's people fit together, and there are as many as were promised."""

from decimal import Decimal

import pytest

from config.demo.cast import DAYS, DEMO, HOUSES, OTHER
from config.demo.roles import House
from copytrade.domain.rewards_terms import BillingPeriod, RewardTerms, RewardType, terms_problem
from copytrade.models import FollowerModes, Visibility
from core.rounding import is_multiple
from core.states import AccountMode, PositionMode
from trading.catalogue import BY_SYMBOL

ALL = pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.slug)


def test_the_promised_numbers() -> None:
    masters = [master for house in HOUSES for master in house.masters]
    assert (DEMO.slug, OTHER.slug, DAYS) == ("demo", "other", 90)
    assert len(DEMO.masters) >= 6
    assert len(DEMO.followers) >= 12
    assert sum(bool(master.settings.get("show_trade_history")) for master in masters) >= 2
    assert {master.reward["reward_type"] for master in masters} == set(RewardType)
    assert {master.settings["visibility"] for master in DEMO.masters} == set(Visibility)
    assert any(m.settings.get("allowed_follower_modes") == FollowerModes.REAL_AND_DEMO for m in DEMO.masters)
    assert {"leader", "follower"} <= {person.name for person in DEMO.people} & {person.name for person in OTHER.people}


def test_the_follower_who_signs_in_follows_several_at_different_ratios() -> None:
    followed = [wish for wish in DEMO.subscriptions if wish.follower == "follower-1"]
    assert len({wish.master for wish in followed}) >= 2
    assert len({wish.settings["risk_multiplier"] for wish in followed}) == len(followed)


def test_money_comes_and_goes_in_the_middle_of_the_past() -> None:
    amounts = [Decimal(cash.amount) for cash in DEMO.cash if 20 <= cash.day <= 70]
    assert max(amounts) > 0 > min(amounts)


def test_the_first_account_of_the_leader_is_left_to_the_person_who_signs_in() -> None:
    for house in HOUSES:
        assert next(master for master in house.masters if master.account == "leader-1").pace == 0
        assert any(master.pace for master in house.masters)


@ALL
def test_everybody_is_there_in_time(house: House) -> None:
    joined = {person.name: person.day for person in house.people}
    opened = {account.key: account.day for account in house.accounts}
    leads = {master.account: master.day for master in house.masters}
    follows = {follower.account: follower.day for follower in house.followers}
    copies = {(wish.master, wish.follower): wish.day for wish in house.subscriptions}
    assert len(opened) == len(house.accounts)
    assert len(copies) == len(house.subscriptions)
    for account in house.accounts:
        assert joined[account.person] <= account.day
    for key, day in (leads | follows).items():
        assert opened[key] <= day
    assert not leads.keys() & follows.keys()
    for wish in house.subscriptions:
        assert max(leads[wish.master], follows[wish.follower]) <= wish.day
    for cash in house.cash:
        assert opened[cash.account] < cash.day < DAYS
    for change in house.changes:
        assert copies[change.master, change.follower] < change.day < DAYS
    for terms in house.new_terms:
        assert copies[terms.account, terms.undecided] < terms.day < DAYS


@ALL
def test_profiles_are_on_the_right_accounts(house: House) -> None:
    group_of = {a.key: next(g for g in house.groups if g.name == a.group) for a in house.accounts}
    person_of = {account.key: account.person for account in house.accounts}
    masters = {master.account: master for master in house.masters}
    followers = {follower.account: follower for follower in house.followers}
    for master in house.masters:
        assert group_of[master.account].mode is AccountMode.REAL
        assert not master.style.adds or group_of[master.account].position_mode is PositionMode.NETTING
    for key, follower in followers.items():
        mine = [wish for wish in house.subscriptions if wish.follower == key]
        assert 1 <= len(mine) <= follower.settings.get("max_master_count", 1)
        assert len(mine) == 1 or group_of[key].position_mode is PositionMode.HEDGING
        for wish in mine:
            settings = masters[wish.master].settings
            assert settings["visibility"] == Visibility.PUBLIC or person_of[key] == person_of[wish.master]
            modes = settings.get("allowed_follower_modes", FollowerModes.REAL_ONLY)
            assert group_of[key].mode is AccountMode.REAL or modes == FollowerModes.REAL_AND_DEMO


@ALL
def test_terms_and_volumes_are_possible(house: House) -> None:
    for master in house.masters:
        reward = master.reward
        terms = RewardTerms(
            RewardType(reward["reward_type"]),
            BillingPeriod(reward.get("billing_period", "monthly")),
            reward["fee_amount"],
            reward["fee_percent"],
        )
        assert terms_problem(terms) is None
        for symbol in master.style.symbols:
            contract = BY_SYMBOL[symbol]
            for lots in map(Decimal, master.style.lots[symbol]):
                assert is_multiple(lots, contract.lot_step)
                assert contract.lot_min <= lots <= contract.lot_max
