"""R053, R065, R066, D08: quarantines are shown, released by those who may, and end when the leader is flat if so set."""

from datetime import timedelta

import pytest

from copytrade.models import CopySubscription, EntryRejections, Quarantine
from copytrade.services.quarantines import quarantines_release_flat
from infra.tenancy import tenant_scope
from tests.support.copy_house import copy_house
from tests.support.copying import AT, Cast

STRUCTURE = ["id", "login", "symbol", "group_id", "reason", "detail", "created_time"]


@pytest.fixture
def copied(cast: Cast) -> CopySubscription:
    """Bob copies Alice."""
    return cast.house.subscription(cast.bob, cast.house.master(cast.alice), cast.house.follower(cast.bob))


def quarantine_make(subscription: CopySubscription, symbol: str = "EURUSD", **values) -> Quarantine:
    standard = {"reason": "REJECTIONS", "params": '{"number": 2, "code": "RET_TRADE_NO_MONEY"}', "created_at": AT}
    with tenant_scope(subscription.tenant_id):
        EntryRejections.objects.create(
            tenant_id=subscription.tenant_id, follower_id=subscription.follower_id, symbol=symbol, number=2
        )
        return Quarantine.objects.create(
            tenant_id=subscription.tenant_id,
            follower_id=subscription.follower_id,
            leader_id=subscription.leader_id,
            subscription_id=subscription.pk,
            symbol=symbol,
            leader_symbol=symbol,
            **standard | values,
        )


def test_only_the_followers_owner_sees_them(cast, copied):
    made = quarantine_make(copied)
    answer = cast.bob.get("/copytrade/quarantines")
    assert answer.json["structure"] == STRUCTURE
    (row,) = answer.rows()
    assert (row["id"], row["login"], row["symbol"]) == (made.pk, copied.follower.login, "EURUSD")
    assert (row["group_id"], row["reason"]) == (None, "REJECTIONS")
    assert "rejected 2 entries in a row" in row["detail"]
    assert "free margin" in row["detail"]
    for other in (cast.alice, cast.charlie):
        assert other.get("/copytrade/quarantines").rows() == []
    assert cast.nobody.get("/copytrade/quarantines").status == 401


def test_the_owner_releases_it_and_the_count_begins_anew(cast, copied):
    made = quarantine_make(copied)
    assert cast.bob.delete(f"/copytrade/quarantines/{made.pk}").json == {"deleted": True}
    assert cast.bob.get("/copytrade/quarantines").rows() == []
    assert cast.bob.delete(f"/copytrade/quarantines/{made.pk}").status == 404
    with tenant_scope(cast.house.id):
        made.refresh_from_db()
        assert (made.released_by_id, made.released_at is not None) == (cast.bob.user.pk, True)
        assert not EntryRejections.objects.exists()


def test_nobody_else_releases_it(cast, copied):
    made = quarantine_make(copied)
    assert cast.alice.delete(f"/copytrade/quarantines/{made.pk}").error == (403, "PERMISSION_DENIED")
    assert cast.charlie.delete(f"/copytrade/quarantines/{made.pk}").status == 404
    assert cast.bob.delete("/copytrade/quarantines/999999999").status == 404
    assert len(cast.bob.get("/copytrade/quarantines").rows()) == 1


def test_staff_sees_all_and_dealers_release(cast, copied, world, api):
    made = quarantine_make(copied)
    north = world.north
    assert [row["id"] for row in api(north.crm).get("/manage/quarantines").rows()] == [made.pk]
    assert api(north.crm).delete(f"/manage/quarantines/{made.pk}").error == "PERMISSION_DENIED"
    assert api(world.south.dealer).get("/manage/quarantines").rows() == []
    assert api(world.south.dealer).delete(f"/manage/quarantines/{made.pk}").status == 404
    assert api(world.bob).get("/manage/quarantines").status == 403
    assert api(north.dealer).delete(f"/manage/quarantines/{made.pk}").status == 200
    assert api(north.dealer).get("/manage/quarantines").rows() == []


def test_a_quarantine_that_waits_for_a_flat_leader_ends_with_him(world):
    house = copy_house(world.north)
    trade = house.open(house.leader, "0.1")
    house.open(house.leader, "0.1", symbol="XAUUSD")
    waiting = quarantine_make(house.subscriptions[0], release="WHEN_LEADER_FLAT")
    by_hand = quarantine_make(house.subscriptions[0], "ES")

    def ended():
        with house.place.scope():
            return quarantines_release_flat(tenant_id=house.place.id, at=house.at + timedelta(seconds=1))

    assert ended() == 0
    house.close(house.leader, trade)
    assert ended() == 1
    with house.place.scope():
        waiting.refresh_from_db()
        by_hand.refresh_from_db()
        assert waiting.released_at == house.at + timedelta(seconds=1)
        assert (waiting.released_by_id, by_hand.released_at) == (None, None)
        assert list(EntryRejections.objects.values_list("symbol", flat=True)) == ["ES"]
    assert ended() == 0
