"""D30, X11: whatever holds entries back takes resting copies back, at once or by the watch, and the light says why."""

from decimal import Decimal as D

import pytest

from accounts.models import TradingAccount
from accounts.services import account_update, product_config_update
from copytrade.engine.commands import commands_drain
from copytrade.engine.reconcile import reconcile
from copytrade.models import CopyFollower, CopyMaster, CopyOrder, SyncLight
from copytrade.services.followers import follower_update
from copytrade.services.resting import resting_sweep
from core.states import LinkState, Side, TradeState
from tests.support.api import Api
from tests.support.copy_house import copy_house
from tests.support.group_house import GroupHouse, accepted, group_house
from tests.support.resting import cancel, place, quote, resting_house, shadow_of, sweep, waiting
from trading.models import Trade
from trading.services.orders import OrderAnswer, Refusal


def sync_off(house: GroupHouse) -> None:
    house.contract_set("EURUSD", synced=0)


def sync_all_off(house: GroupHouse) -> None:
    house.follower_set(synced_all=0)


def sync_off_for_all(house: GroupHouse) -> None:
    accepted(house.api.put(f"{house.path}/contracts/EURUSD/sync", {"synced": 0}))


def pendings_off(house: GroupHouse) -> None:
    house.set_up(copy_pending_orders=0)


def reversed_now(house: GroupHouse) -> None:
    house.set_up(reverse=1)


def paused(house: GroupHouse) -> None:
    accepted(house.api.post(f"{house.path}/pause", {}))


@pytest.mark.parametrize("change", [sync_off, sync_all_off, sync_off_for_all, pendings_off, reversed_now, paused])
def test_a_change_of_a_group_takes_resting_copies_back_at_once(world, change):
    house = group_house(world.north, ratios=("1", "1"))
    place(house, house.leader)
    house.drain()
    assert [len(waiting(house, number)) for number in (0, 1)] == [1, 1]
    change(house)
    assert waiting(house, 0) == []
    assert [link.state for link in house.links(0)] == [LinkState.UNTRACKED]
    others = 1 if change in (sync_off, sync_all_off) else 0
    assert len(waiting(house, 1)) == others
    house.prove(exact=True)


def test_other_contracts_go_on_resting(world):
    house = group_house(world.north)
    place(house, house.leader)
    house.drain()
    house.contract_set("ES", synced=0)
    house.set_up(copy_sl=0)
    assert len(waiting(house)) == 1


def test_a_quarantine_takes_back_what_rests_in_its_contract(world):
    house = group_house(world.north)
    house.place.deposit(house.followers[0], -9_999_900, at=house.at)
    order = place(house, house.leader, "1.0900")
    house.drain()
    place(house, house.leader, "1.0800")
    house.open(house.leader, "5")
    house.drain()
    assert [row[1] for row in house.story()] == ["FILLED", "FILLED", "RET_TRADE_NO_MONEY"]
    assert waiting(house) == []
    assert [link.state for link in house.links()] == [LinkState.UNTRACKED] * 2
    house.prove(exact=True)
    quote(house, "1.0898", "1.0900")
    house.drain()
    with house.place.scope():
        told = CopyOrder.objects.get(leader_trade_id=order, action="OPEN")
    assert told.reason == "QUARANTINED"


def test_a_disabled_account_waits_for_nothing(world):
    house = resting_house(world)
    place(house, house.leader)
    house.drain()
    with house.place.scope():
        account_update(account_id=house.followers[0].pk, enabled=False, at=house.at)
    assert waiting(house) == []
    house.prove(exact=True)


def test_a_follower_profile_that_is_switched_off_waits_for_nothing(world):
    house = resting_house(world)
    place(house, house.leader)
    house.drain()
    with house.place.scope():
        follower_update(follower_id=CopyFollower.objects.get().pk, settings={"enabled": False}, at=house.at)
    assert waiting(house) == []


def master_off(_house):
    CopyMaster.objects.update(enabled=False)  # the services take resting copies back themselves


def module_off(_house):
    product_config_update(copy_trading=False)


def group_of_accounts_off(house):
    group = house.followers[0].group
    group.enabled = False
    group.save()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (master_off, "MASTER_NOT_ACTIVE"),
        (module_off, "MODULE_DISABLED"),
        (group_of_accounts_off, "ACCOUNT_LOCKED"),
    ],
)
def test_what_reaches_all_followers_is_found_by_the_watch_and_told_by_the_light(world, change, why):
    house = resting_house(world)
    place(house, house.leader)
    house.open(house.leader, "1")
    house.drain()
    with house.place.scope():
        change(house)
    assert resting_sweep(tenant_id=house.place.id, at=house.at) == 1
    assert waiting(house) == []
    assert resting_sweep(tenant_id=house.place.id, at=house.at) == 0
    reconcile(tenant_id=house.place.id, at=house.at)
    with house.place.scope():
        assert list(SyncLight.objects.values_list("state", "why")) == [("RESTING", why)]
    house.prove(exact=True)


def test_the_light_of_a_contract_that_is_switched_off_rests_and_the_others_do_not(world):
    house = group_house(world.north)
    house.open(house.leader, "1")
    house.open(house.leader, "1", symbol="ES")
    house.drain()
    house.contract_set("ES", synced=0)
    reconcile(tenant_id=house.place.id, at=house.at)
    with house.place.scope():
        lights = SyncLight.objects.order_by("symbol").values_list("symbol", "state", "why")
        assert list(lights) == [("ES", "RESTING", "CONTRACT_NOT_SYNCED"), ("EURUSD", "IN_SYNC", "")]


@pytest.mark.parametrize("follower", ["hedging", "netting"])
@pytest.mark.parametrize("mode", [0, 1])
def test_d30_a_resting_copy_may_be_taken_back_in_every_manual_mode(world, mode, follower):
    house = resting_house(world, follower=follower)
    order = place(house, house.leader)
    own = place(house, house.followers[0], "1.0700")
    house.drain()
    with house.place.scope():
        TradingAccount.objects.filter(pk=house.followers[0].pk).update(manual_trading_mode=mode)
    taken = cancel(house, house.followers[0], shadow_of(house).id)
    assert isinstance(taken, OrderAnswer)
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    if mode == 0:
        refused = cancel(house, house.followers[0], own)
        assert isinstance(refused, Refusal)
        assert refused.code == "MANUAL_TRADING_DISABLED"
    quote(house, "1.0898", "1.0900")
    house.drain()
    assert house.story()[-1] == ("OPEN", "ALREADY_FLAT", 0)
    assert order in {row.id for row in house.tickets(house.leader)}
    house.prove(exact=True)


def test_a_resting_copy_whose_leaders_order_is_gone_is_closed_out(world):
    house = resting_house(world)
    order = place(house, house.leader)
    house.drain()
    with house.place.scope():
        Trade.objects.filter(pk=order).update(state=TradeState.DELETED)
    assert reconcile(tenant_id=house.place.id, at=house.at) == 1
    commands_drain(tenant_id=house.place.id, leader_id=house.leader.pk, clock=lambda: house.at)
    assert waiting(house) == []
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    assert {(row.action, row.status) for row in house.orders()} == {("PLACE", "FILLED"), ("CANCEL", "FILLED")}
    assert reconcile(tenant_id=house.place.id, at=house.at) == 0
    with house.place.scope():
        Trade.objects.filter(pk=order).update(state=TradeState.OPEN)
    house.prove(exact=True)


# --- Never worse than its limit, also where the leader's position takes the order in


@pytest.mark.parametrize("follower", ["hedging", "netting"])
@pytest.mark.parametrize(
    ("side", "limit", "fills", "later", "price"),
    [
        (Side.BUY, "1.0900", ("1.0898", "1.0900"), ("1.0910", "1.0912"), "1.0900"),
        (Side.BUY, "1.0900", ("1.0898", "1.0900"), ("1.0880", "1.0882"), "1.0882"),
        (Side.SELL, "1.1100", ("1.1100", "1.1102"), ("1.1090", "1.1092"), "1.1100"),
    ],
)
def test_d30_an_increase_by_a_limit_is_copied_no_worse_than_the_limit(
    world, follower, side, limit, fills, later, price
):
    house = resting_house(world, "netting", follower)
    house.open(house.leader, "1", side)
    place(house, house.leader, limit, side=side)
    house.drain()
    quote(house, *fills)
    house.wait(2)
    quote(house, *later)
    house.drain()
    assert house.story()[-1] == ("INCREASE", "FILLED", D("0.5"))
    assert filled_at(house) == D(price)
    assert waiting(house) == []
    house.prove(exact=True)


def test_without_a_shadow_the_increase_is_copied_at_market(world):
    house = copy_house(world.north, leader_netting=True)
    house.open(house.leader, "1")
    place(house, house.leader)
    house.drain()
    quote(house, "1.0898", "1.0900")
    house.wait(2)
    quote(house, "1.0910", "1.0912")
    house.drain()
    assert filled_at(house) == D("1.0912")


def test_a_limit_that_flips_the_leader_opens_the_other_side_no_worse_than_the_limit(world):
    house = resting_house(world, "netting", "netting")
    house.open(house.leader, "1")
    place(house, house.leader, "1.1100", side=Side.SELL, volume="3")
    house.drain()
    quote(house, "1.1100", "1.1102")
    house.wait(2)
    quote(house, "1.1090", "1.1092")
    house.drain()
    assert [row[:2] for row in house.story()][-2:] == [("CLOSE", "FILLED"), ("OPEN", "FILLED")]
    assert house.held() == [("SELL", D(1))]
    assert filled_at(house) == D("1.1100")
    sweep(house)
    house.prove(exact=True)


def filled_at(house) -> D:
    """The price of the follower's last copied fill."""
    last = house.orders()[-1]
    bob = house.place.person("bob")

    told = Api(token=bob.token, host=house.place.domain).get(f"/copytrade/orders/{last.id}").json
    (leg,) = told["legs"]
    return D(str(leg["price"]))
