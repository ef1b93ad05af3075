"""Repeated writes: one effect and one answer, also when both arrive at once."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from accounts.models import AccountGroup
from core.errors import conflict
from infra.actor import Actor, SessionType
from infra.api.fields import Body, CleanTextField
from infra.api.idempotency import forget_idempotency_records
from infra.api.views import ApiView
from infra.models import IdempotencyRecord
from infra.tenancy import tenant_scope

NOW = datetime(2024, 1, 1, tzinfo=UTC)
ALICE = Actor(SessionType.CUSTOMER, user_id=1, tenant_id=1)
BOB = Actor(SessionType.CUSTOMER, user_id=2, tenant_id=1)
ALICE_ACCOUNT = Actor(SessionType.ACCOUNT, user_id=1, tenant_id=1, account_id=7)


class Name(Body):
    name = CleanTextField()


class Groups(ApiView):
    session_types = frozenset(SessionType)
    clock_says = NOW
    entered: threading.Event | None = None
    leave: threading.Event | None = None

    @property
    def at(self) -> datetime:  # type: ignore[override]
        return self.clock_says

    def post(self, request: Any) -> Response:
        name = self.body(Name)["name"]
        group = AccountGroup.objects.create(tenant_id=self.actor.tenant_id, name=name, account_mode="DEMO")
        if self.entered and self.leave:
            self.entered.set()
            assert self.leave.wait(10)
        if name == "refused":
            raise conflict("RET_DUPLICATE_RECORD", "no")
        return Response({"id": group.pk})


def post(
    name: str = "a", key: str | None = "k", actor: Actor = ALICE, path: str = "/groups", **attributes: Any
) -> tuple[int, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    request = APIRequestFactory().post(
        path, json.dumps({"name": name}), content_type="application/json", headers=headers
    )
    request.actor = actor  # type: ignore[attr-defined]
    view = type("View", (Groups,), attributes)
    with override_settings(API_RATES=None), tenant_scope(actor.tenant_id):
        response = view.as_view()(request)
        if isinstance(response, Response):
            response.render()
    return response.status_code, json.loads(response.content)


def names() -> list[str]:
    with tenant_scope(1):
        return sorted(AccountGroup.objects.values_list("name", flat=True))


@pytest.mark.django_db
class TestOneAfterTheOther:
    def test_the_first_answer_is_given_again(self) -> None:
        first = post()
        assert first[0] == 200
        assert post() == first
        assert names() == ["a"]

    def test_another_body_or_address_is_refused(self) -> None:
        post()
        for status, answer in (post("b"), post(path="/other")):
            assert (status, answer["error"]) == (409, "IDEMPOTENCY_KEY_REUSED")
        assert names() == ["a"]

    def test_keys_of_others_are_others(self) -> None:
        assert {post("a")[0], post("b", actor=BOB)[0], post("c", actor=ALICE_ACCOUNT)[0]} == {200}
        assert names() == ["a", "b", "c"]

    def test_a_refused_write_leaves_nothing_behind(self) -> None:
        assert post("refused")[0] == 409
        assert names() == []
        assert post("a")[0] == 200

    @pytest.mark.parametrize("key", ["", "a" * 129, "a b", "é"])
    def test_a_key_is_visible_ascii(self, key: str) -> None:
        assert post(key=key)[1]["error"] == "INVALID_DATA"

    def test_without_a_key_nothing_is_kept(self) -> None:
        assert {post("a", key=None)[0], post("b", key=None)[0]} == {200}
        with tenant_scope(1):
            assert not IdempotencyRecord.objects.exists()

    def test_after_a_day_the_key_is_free(self) -> None:
        first = post("a")
        assert post("a", clock_says=NOW + timedelta(hours=23, minutes=59)) == first
        assert post("b", clock_says=NOW + timedelta(hours=24))[0] == 200
        assert names() == ["a", "b"]

    def test_old_records_are_forgotten(self) -> None:
        post("a")
        with tenant_scope(1):
            assert forget_idempotency_records(at=NOW + timedelta(hours=23)) == 0
            assert forget_idempotency_records(at=NOW + timedelta(hours=24)) == 1


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def race(self, name: str) -> list[tuple[int, Any]]:
        """Two equal requests; the first is held inside its transaction until the second waits for it."""
        entered, leave = threading.Event(), threading.Event()
        answers: list[tuple[int, Any]] = []

        def run(**attributes: Any) -> None:
            try:
                answers.append(post(name, **attributes))
            finally:
                connections.close_all()

        first = threading.Thread(target=run, kwargs={"entered": entered, "leave": leave})
        second = threading.Thread(target=run)
        first.start()
        assert entered.wait(10)
        second.start()
        second.join(0.3)
        assert second.is_alive()
        leave.set()
        first.join(10)
        second.join(10)
        return answers

    def test_the_second_waits_and_gets_the_first_answer(self) -> None:
        first, second = self.race("a")
        assert first == second
        assert first[0] == 200
        assert names() == ["a"]

    def test_the_second_carries_the_write_out_when_the_first_was_refused(self) -> None:
        answers = self.race("refused")
        assert [status for status, _answer in answers] == [409, 409]
        assert names() == []
