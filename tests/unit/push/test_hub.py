"""Handing out frames inside one process, without Redis."""

import asyncio
from dataclasses import dataclass, field

from infra import hub as hubs
from infra.hub import Hub
from infra.outbox import Message
from infra.push import Frame, decode, session_ended


@dataclass(eq=False)
class Ear:
    """A listener that keeps what it hears."""

    texts: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def deliver(self, message: Message) -> None:
        self.messages.append(message)
        self.texts.append(message.text)

    def deliver_copy(self, frame: Frame) -> None:
        self.texts.append(f"{frame.event}:{frame.text}")

    def end(self, code: int) -> None:
        self.ended.append(code)


def account(text: str, login: int = 7) -> Frame:
    return Frame(1, 2, login, "account", text)


async def test_a_text_is_encoded_once_for_all_its_listeners() -> None:
    here, first, second = Hub(), Ear(), Ear()
    here.join(hubs.account_key(1, 7), first)
    here.join(hubs.own_accounts_key(1, 2), second)
    await here.dispatch([account("a")])
    assert first.messages[0] is second.messages[0]


async def test_whoever_left_hears_nothing_and_leaves_nothing_behind() -> None:
    here, ear = Hub(), Ear()
    here.join(hubs.account_key(1, 7), ear)
    here.leave(hubs.account_key(1, 7), ear)
    here.leave(hubs.account_key(1, 7), ear)
    await here.dispatch([account("a")])
    assert ear.texts == []
    assert here._members == {}


async def test_a_session_that_ended_before_its_socket_joined_ends_it_at_once() -> None:
    here, ear, other = Hub(), Ear(), Ear()
    await here.dispatch([session_ended(1, "s")])
    here.join(hubs.session_key(1, "s"), ear)
    here.join(hubs.session_key(2, "s"), other)
    assert (ear.ended, other.ended) == ([4401], [])


async def test_a_listener_that_ends_while_frames_are_handed_out_disturbs_nobody() -> None:
    here = Hub()
    ears = [Ear() for _ in range(3)]

    class Leaving(Ear):
        def deliver(self, message: Message) -> None:
            for ear in ears:
                here.leave(hubs.account_key(1, 7), ear)

    here.join(hubs.account_key(1, 7), Leaving())
    for ear in ears:
        here.join(hubs.account_key(1, 7), ear)
    await here.dispatch([account("a"), account("b")])
    assert [ear.texts for ear in ears] == [["a"]] * 3


async def test_frames_of_an_unknown_kind_are_left_out() -> None:
    here, ear = Hub(), Ear()
    here.join(hubs.account_key(1, 7), ear)
    await here.dispatch([Frame(1, 2, 7, "future", "?"), account("a")])
    assert ear.texts == ["a"]


async def test_quotes_of_a_symbol_are_thinned_and_the_latest_wins() -> None:
    here, ear = Hub(), Ear()
    key = hubs.quote_key(1, "EURUSD")
    here.join(key, ear)
    for n in range(50):
        await here.dispatch([Frame(1, 0, 0, "quote", str(n), "EURUSD")])
    assert ear.texts == ["0"]
    await asyncio.sleep(hubs.QUOTE_SECONDS * 1.5)
    assert ear.texts == ["0", "49"]
    await asyncio.sleep(hubs.QUOTE_SECONDS)
    await here.dispatch([Frame(1, 0, 0, "quote", "50", "EURUSD")])
    assert ear.texts == ["0", "49", "50"]
    assert here.quotes_seen(key) == 51


async def test_a_large_fan_out_lets_the_loop_turn() -> None:
    here = Hub()
    for _ in range(hubs.YIELD_EVERY):
        here.join(hubs.account_key(1, 7), Ear())
    turns = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    await here.dispatch([account("a")])
    assert turns == [1]


def test_frames_survive_the_way_through_redis() -> None:
    from infra.push import _encoder

    frames = [Frame(1, 2, 3, "copy", '{"ä":"\\u0000"}', "copy.order", staff=False), account("a")]
    assert decode(_encoder.encode(frames)) == frames
