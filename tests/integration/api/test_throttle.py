"""Rates: a bucket of five seconds per session and kind of request."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import override_settings
from redis.exceptions import ConnectionError as RedisConnectionError

from core.errors import DomainError
from infra.actor import Actor, SessionType
from infra.api import throttle
from infra.api.throttle import check_rate

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _rates() -> object:
    with override_settings(API_RATES={"read": 2, "write": None}):
        yield


def bearer(session_type: SessionType = SessionType.CUSTOMER) -> Actor:
    return Actor(session_type, user_id=1, tenant_id=1, session_id=uuid4().hex)


def taken(actor: Actor, at: datetime = NOW, kind: str = "read") -> int:
    """How many requests pass at one instant."""
    for passed in range(200):
        try:
            check_rate(actor, kind, at)
        except DomainError:
            return passed
    return 200


def test_five_seconds_worth_pass_at_once_and_the_bucket_fills_again() -> None:
    actor = bearer()
    assert taken(actor) == 10
    assert taken(actor, NOW + timedelta(seconds=1)) == 2
    assert taken(actor, NOW + timedelta(seconds=60)) == 10


def test_a_refusal_says_when_to_come_back() -> None:
    actor = bearer()
    taken(actor)
    with pytest.raises(DomainError) as caught:
        check_rate(actor, "read", NOW)
    assert (caught.value.kind.value, caught.value.code) == (429, "RET_TOO_FREQUENT")
    assert caught.value.extra == {"retry_after": 1}


def test_sessions_are_counted_apart() -> None:
    assert (taken(bearer()), taken(bearer())) == (10, 10)


def test_staff_has_five_times_as_much() -> None:
    assert taken(bearer(SessionType.DEALER)) == 50


def test_a_kind_without_a_rate_is_not_counted() -> None:
    assert taken(bearer(), kind="write") == 200
    with override_settings(API_RATES=None):
        assert taken(bearer()) == 200


def test_with_the_cache_away_everything_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> int:
        raise RedisConnectionError

    monkeypatch.setattr(throttle, "_take", away)
    assert taken(bearer()) == 200


def test_a_bucket_does_not_outlive_its_use() -> None:
    actor = bearer()
    check_rate(actor, "read", NOW)
    client = cache._cache.get_client()
    key = cache.make_key(f"rate:read:1:{actor.session_id}")
    assert 0 < client.pttl(key) <= 500
