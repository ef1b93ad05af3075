"""What the market does to a leader's or a follower's position, and the copies."""

from decimal import Decimal as D

from copytrade.models import VolumeMode
from core.states import Cmd, LinkState, TicketKind, TradeState
from tests.support.copy_house import CopyHouse, copy_house
from tests.support.world import World
from trading.models import Trade
from trading.services.orders import OrderAnswer, order_open_pending


def held_by(house: CopyHouse) -> list[tuple[str, D]]:
    return [(kind, volume.normalize()) for kind, volume in house.held()]


def test_a_leaders_stop_loss_is_copied_as_a_close(world: World) -> None:
    house = copy_house(world.north, risk_multiplier=1, copy_sl=False)
    house.open(house.leader, "1", sl=D("1.0950"))
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    assert copy.sl == 0
    house.wait(1)
    house.quote("EURUSD", "1.0940", "1.0942")
    with house.place.scope():
        leaders = Trade.objects.get(account=house.leader, cmd__in=(0, 1))
        assert (leaders.state, leaders.comment) == (TradeState.CLOSED, "[sl]")
    house.drain()
    assert house.held() == []
    assert [action for action, _outcome, _volume in house.story()] == ["OPEN", "CLOSE"]
    with house.place.scope():
        copy.refresh_from_db()
        assert (copy.state, copy.close_price, copy.comment) == (TradeState.CLOSED, D("1.0940"), copy.comment)
        assert "[sl]" not in copy.comment
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    house.prove(exact=True)


def test_a_copied_stop_loss_closes_both_at_the_same_quote(world: World) -> None:
    house = copy_house(world.north, risk_multiplier=1)
    house.open(house.leader, "1", sl=D("1.0950"))
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    house.wait(1)
    house.quote("EURUSD", "1.0940", "1.0942")
    with house.place.scope():
        closed = Trade.objects.filter(cmd=Cmd.BUY, state=TradeState.CLOSED)
        assert set(closed.values_list("close_price", "comment")) == {(D("1.0940"), "[sl]")}
        copy.refresh_from_db()
    assert copy.comment == "[sl]"
    house.drain()
    assert house.story()[-1][:2] == ("CLOSE", "ALREADY_FLAT")
    house.prove(exact=True)


def test_a_followers_own_stop_loss_ends_its_link(world: World) -> None:
    house = copy_house(world.north, risk_multiplier=1)
    trade = house.open(house.leader, "1")
    house.drain()
    (copy,) = house.tickets(house.followers[0])
    with house.place.scope():
        Trade.objects.filter(pk=copy.pk).update(sl=D("1.0950"))
    house.wait(1)
    house.quote("EURUSD", "1.0940", "1.0942")
    assert house.held() == []
    assert [(link.state, link.volume) for link in house.links()] == [(LinkState.CLOSED, 0)]
    assert [ticket.pk for ticket in house.tickets(house.leader)] == [trade]
    house.close(house.leader, trade)
    house.drain()
    assert [(action, outcome) for action, outcome, _volume in house.story()][-1] == ("CLOSE", "ALREADY_FLAT")
    house.prove(exact=True)


def test_a_leaders_filled_order_is_copied_as_an_open(world: World) -> None:
    house = copy_house(world.north, risk_multiplier=1)
    with house.place.scope():
        answer = order_open_pending(
            account_id=house.leader.pk,
            symbol="EURUSD",
            side=Cmd.SELL_LIMIT.side,
            kind=TicketKind.LIMIT,
            volume=D(1),
            open_price=D("1.1050"),
            at=house.at,
        )
    assert isinstance(answer, OrderAnswer)
    house.drain()
    assert house.held() == []
    house.wait(1)
    house.quote("EURUSD", "1.1051", "1.1053")
    house.drain()
    ((side, volume),) = held_by(house)
    assert (side, volume > 0) == ("SELL", True)
    (link,) = house.links()
    assert link.leader_trade_id == answer.order
    assert house.lags() == [0]
    house.prove(exact=True)


def test_a_follower_that_is_stopped_out_owns_no_copy_any_more(world: World) -> None:
    house = copy_house(world.north, balance=1000, volume_mode=VolumeMode.FIXED, fixed_volume=D("0.8"))
    house.open(house.leader, "1")
    house.drain()
    assert held_by(house) == [("BUY", D("0.8"))]
    house.wait(1)
    # 880.16 of margin; 1,000 - 576 = 424 is less than half of it
    house.quote("EURUSD", "1.0930", "1.0932")
    assert house.held() == []
    assert [link.state for link in house.links()] == [LinkState.CLOSED]
    assert len(house.tickets(house.leader)) == 1
    house.prove(exact=True)
