"""X01: one leader order, one follower, the whole story: to whom it is told, and in which words."""

from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from copytrade.models import CopyMaster
from copytrade.services.endings import OpenCopies
from copytrade.services.subscriptions import subscription_end, subscription_update
from core.states import Side
from tests.support.copy_house import copy_house, join
from tests.support.resting import place, resting_house, shadow_of


def told(api, who, order, login, **expected):
    answer = api(who).get("/copytrade/explain", master_order=order, follower_login=login)
    assert answer.status == 200, answer.text
    return answer.json


def codes(story):
    return [step["code"] for step in story["steps"]]


@pytest.fixture
def house(world):
    return copy_house(world.north, min_equity=D(1))


def login(house, number=0):
    return house.followers[number].login


def test_a_copied_trade_from_its_opening_to_its_close(house, world, api):
    trade = house.open(house.leader, "1")
    house.wait(1)
    house.drain()
    open_story = told(api, world.bob, trade, login(house))
    assert (open_story["master_order"], open_story["leader_login"]) == (trade, house.leader.login)
    assert (open_story["follower_login"], open_story["symbol"]) == (login(house), "EURUSD")
    assert codes(open_story) == ["SUBSCRIBED", "LEADER_OPEN", "FILLED"]
    assert open_story["now"]["code"] == "NOW_BOTH_OPEN"
    assert open_story["now"]["values"]["lots"] == 1
    (ticket,) = house.tickets(house.followers[0])
    assert f"1 lots of EURUSD, order {ticket.id}" in open_story["steps"][-1]["sentence"]
    house.wait(1)
    house.close(house.leader, trade, "0.4")
    house.wait(1)
    house.close(house.leader, trade)
    house.wait(1)
    house.drain()
    story = told(api, world.bob, trade, login(house))
    assert codes(story)[3:] == ["LEADER_REDUCE", "LEADER_CLOSE", "FILLED", "FILLED"]
    assert story["now"]["code"] == "NOW_FLAT"
    times = [step["time"] for step in story["steps"]]
    assert times == sorted(times)


def test_a_refusal_tells_its_values_to_the_follower_and_the_bare_sentence_to_the_leader(house, world, api):
    with house.place.scope():
        subscription_update(subscription_id=house.subscriptions[0].pk, settings={"min_equity": D(10_001)}, at=house.at)
    trade = house.open(house.leader, "1")
    house.drain()
    mine = told(api, world.bob, trade, login(house))["steps"][-1]
    assert (mine["what"], mine["code"]) == ("COPY", "MIN_EQUITY")
    assert "(10000, minimum 10001)" in mine["sentence"]
    assert mine["values"]["equity"] == "10000"
    assert "Add funds" in mine["next_step"]
    theirs = told(api, world.alice, trade, login(house))
    refusal = theirs["steps"][-1]
    assert (refusal["code"], refusal["sentence"]) == (
        "MIN_EQUITY",
        "The follower's equity is below the subscription's minimum.",
    )
    assert set(refusal["values"]) == {"copy_order", "action", "status"}
    assert all("equity" not in step["values"] for step in theirs["steps"])
    assert theirs["now"]["code"] == "NOW_LEADER_ONLY"
    staff = api(world.north.crm).get("/manage/explain", master_order=trade, follower_login=login(house))
    assert staff["steps"][-1]["values"]["equity"] == "10000"


def test_the_leaders_figures_are_for_those_who_may_see_the_history(house, world, api):
    trade = house.open(house.leader, "0.7")
    house.drain()
    leader = told(api, world.alice, trade, login(house))["steps"]
    assert "0.7 lots at 1.1002" in next(s for s in leader if s["code"] == "LEADER_OPEN")["sentence"]
    hidden = next(s for s in told(api, world.bob, trade, login(house))["steps"] if s["code"] == "LEADER_OPEN")
    assert hidden["sentence"] == "The leader opened BUY EURUSD."
    assert hidden["values"] == {"side": "BUY", "symbol": "EURUSD"}
    with house.place.scope():
        CopyMaster.objects.update(show_trade_history=True)
    shown = next(s for s in told(api, world.bob, trade, login(house))["steps"] if s["code"] == "LEADER_OPEN")
    assert "0.7 lots" in shown["sentence"]


def test_not_subscribed_until_then_on_the_readers_clock(house, world, api):
    trade = house.open(house.leader, "1")
    house.drain()
    house.wait(31 * 60)
    join(house, 1, house.followers[0].group)
    with house.place.scope():
        second = house.subscriptions[1]
        type(second).objects.filter(pk=second.pk).update(created_at=house.at)
    house.close(house.leader, trade)
    house.drain()
    story = told(api, world.bob, trade, login(house, 1))
    silent = [step for step in story["steps"] if step["what"] == "COPY"]
    assert [step["code"] for step in silent] == ["NOT_SUBSCRIBED", "NO_COPY"]
    assert "not subscribed until 2026-03-02 05:31 EST" in silent[0]["sentence"]  # the tenant's zone
    with house.place.scope():
        User.objects.filter(pk=world.bob.id).update(timezone="Europe/Berlin")
    story = told(api, world.bob, trade, login(house, 1))
    assert "until 2026-03-02 11:31 CET" in str(story)
    assert story["now"]["code"] == "NOW_FLAT"


def test_what_comes_after_the_end_and_what_was_let_go(house, world, api):
    first = house.open(house.leader, "1")
    house.drain()
    house.wait(5)
    with house.place.scope():
        subscription_end(subscription_id=house.subscriptions[0].pk, open_copies=OpenCopies.LET_GO, at=house.at)
    house.wait(5)
    second = house.open(house.leader, "1")
    house.close(house.leader, first)
    house.drain()
    story = told(api, world.bob, first, login(house))
    assert {"SUBSCRIPTION_ENDED", "COPY_UNTRACKED", "NO_COPY"} <= set(codes(story))
    assert story["now"]["code"] == "NOW_OWN"
    (ticket,) = house.tickets(house.followers[0])
    assert story["now"]["values"] == {"orders": [ticket.id]}
    assert "had stopped copying the leader at 2026-03-02 05:00 EST" in str(told(api, world.bob, second, login(house)))


def test_a_copy_closed_by_hand(house, world, api):
    trade = house.open(house.leader, "1")
    house.drain()
    house.wait(10)
    house.close(house.followers[0], house.tickets(house.followers[0])[0].id)
    story = told(api, world.bob, trade, login(house))
    assert codes(story)[-1] == "COPY_CLOSED_OTHERWISE"
    assert story["now"]["code"] == "NOW_LEADER_ONLY"
    house.wait(10)
    house.close(house.leader, trade)
    assert codes(told(api, world.bob, trade, login(house)))[-1] == "WAITING"
    house.drain()
    assert codes(told(api, world.bob, trade, login(house)))[-1] == "ALREADY_FLAT"


def test_whom_it_does_not_concern_is_not_told(house, world, api):
    trade = house.open(house.leader, "1")
    house.drain()
    own = house.place.account(world.bob, house.followers[0].group)
    carol = house.place.person("carol")
    query = {"master_order": trade, "follower_login": login(house)}
    for who, change, status in [
        (carol, {}, 403),
        (carol, {"follower_login": carol.login}, 403),
        (world.bob, {"follower_login": own.login}, 403),  # never copied that leader
        (world.bob, {"master_order": 999999999}, 404),
        (world.bob, {"follower_login": 999999999}, 404),
        (world.charlie, {}, 404),
    ]:
        assert api(who).get("/copytrade/explain", **{**query, **change}).status == status
    assert api(world.bob).get("/copytrade/explain", master_order=trade).status == 400
    assert api(world.bob).get("/copytrade/explain", **{**query, "master_order": "x"}).status == 400
    assert api().get("/copytrade/explain", **query).status == 401
    assert api(world.bob).get("/manage/explain", **query).status == 403
    assert api(world.south.dealer).get("/manage/explain", **query).status == 404


def test_staff_hears_of_accounts_that_never_copied(house, world, api):
    trade = house.open(house.leader, "1")
    own = house.place.account(world.bob, house.followers[0].group)
    story = api(world.north.dealer).get("/manage/explain", master_order=trade, follower_login=own.login)
    assert codes(story.json) == ["LEADER_OPEN", "NEVER_SUBSCRIBED"]


def test_copy_trace_prints_the_same_story(house):
    trade = house.open(house.leader, "1", Side.SELL)
    house.drain()
    (ticket,) = house.tickets(house.followers[0])
    for number in (trade, ticket.id):
        out = StringIO()
        call_command("copy_trace", number, stdout=out)
        text = out.getvalue()
        assert f"north: order {trade} (EURUSD) of {house.leader.login} for {login(house)}" in text
        assert "FILLED" in text
        assert f"order={ticket.id}" in text
        assert "NOW_BOTH_OPEN" in text
    join(house, 1, house.followers[0].group)
    out = StringIO()
    call_command("copy_trace", trade, stdout=out)
    assert "NOT_SUBSCRIBED" in out.getvalue()
    out = StringIO()
    call_command("copy_trace", trade, "--follower", str(login(house, 1)), stdout=out)
    assert f"for {login(house)}" not in out.getvalue()
    with pytest.raises(CommandError, match="no order"):
        call_command("copy_trace", 999999999)
    with pytest.raises(CommandError, match="Nobody"):
        call_command("copy_trace", trade, "--follower", "1")


def test_a_pending_order_waits_and_so_does_its_copy(world, api):
    house = resting_house(world, "hedging", "hedging")
    order = place(house, house.leader)
    house.drain()
    story = told(api, world.bob, order, login(house))
    assert codes(story) == ["SUBSCRIBED", "LEADER_PLACE", "FILLED"]
    assert story["now"]["code"] == "NOW_PENDING"
    assert story["now"]["values"]["orders"] == [shadow_of(house).id]
