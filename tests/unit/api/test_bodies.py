"""Bodies: the first failing field is named, keys beyond the contract are ignored."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.errors import DomainError
from core.states import Cmd, Side
from infra.api.fields import (
    Body,
    CleanTextField,
    FlagField,
    IdField,
    ListOf,
    NumberChoiceField,
    TextChoiceField,
    UnixTimeField,
    WholeNumberField,
    WireDecimalField,
    refuse_changes,
    validated,
)
from infra.api.wire import QueryText


class Policy(Body):
    error_code = "INVALID_REWARD_POLICY"
    fee_percent = WireDecimalField(positive=True, max_value=50)


class Member(Body):
    login = IdField()
    ratio = WireDecimalField(default=Decimal(1), positive=True)


class Everything(Body):
    volume = WholeNumberField(min_value=1)
    side = TextChoiceField(Side, default=Side.BUY)
    cmd = NumberChoiceField(Cmd, required=False)
    enabled = FlagField(default=True)
    name = CleanTextField(max_length=5, min_length=1, trim=True, required=False)
    note = CleanTextField(allow_null=True, required=False)
    until = UnixTimeField(required=False)
    policy = Policy(required=False)
    members = ListOf(Member(), max_items=2, required=False)
    symbols = ListOf(CleanTextField(max_length=3), required=False)
    lots = WireDecimalField(error_code="RET_TRADE_BAD_VOLUME", required=False)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        return values


def refusal(**payload: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        validated(Everything, payload)
    return caught.value


def test_values_are_read_and_defaults_filled() -> None:
    values = validated(Everything, {"volume": Decimal("10.0"), "cmd": 1, "until": 0, "unknown": [1], "note": None})
    assert values == {
        "volume": 10,
        "side": Side.BUY,
        "cmd": Cmd.SELL,
        "enabled": True,
        "until": None,
        "note": None,
    }


def test_a_partial_reading_gives_only_what_was_sent() -> None:
    assert validated(Everything, {"enabled": 0}, partial=True) == {"enabled": False}


def test_times_become_instants() -> None:
    assert validated(Everything, {"until": 86400}, partial=True) == {"until": datetime(1970, 1, 2, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "volume"),
        ({"volume": None}, "volume"),
        ({"volume": 0, "side": 5}, "volume"),
        ({"volume": 1, "side": "buy"}, "side"),
        ({"volume": 1, "cmd": 7}, "cmd"),
        ({"volume": 1, "cmd": True}, "cmd"),
        ({"volume": 1, "enabled": "1"}, "enabled"),
        ({"volume": 1, "name": "  "}, "name"),
        ({"volume": 1, "name": "abcdef"}, "name"),
        ({"volume": 1, "name": None}, "name"),
        ({"volume": 1, "until": 253402300800}, "until"),
        ({"volume": 1, "members": {}}, "members"),
        ({"volume": 1, "members": [{"login": 1}, {"login": 2, "ratio": 0}]}, "members[1].ratio"),
        ({"volume": 1, "members": [5]}, "members[0]"),
        ({"volume": 1, "members": [{"login": 1}] * 3}, "members"),
        ({"volume": 1, "symbols": ["abc", "abcd"]}, "symbols[1]"),
    ],
)
def test_the_first_failing_field_is_named(payload: dict[str, Any], field: str) -> None:
    error = refusal(**payload)
    assert (error.kind.value, error.code, error.extra["field"]) == (400, "INVALID_DATA", field)
    assert error.message.startswith(f"{field}: ")


@pytest.mark.parametrize("policy", [{}, {"fee_percent": 51}, {"fee_percent": "x"}, 5, None])
def test_a_nested_body_may_have_its_own_code(policy: Any) -> None:
    assert refusal(volume=1, policy=policy).code == "INVALID_REWARD_POLICY"


def test_a_field_may_have_its_own_code() -> None:
    assert refusal(volume=1, lots="x").code == "RET_TRADE_BAD_VOLUME"


def test_text_of_a_query_string_is_read_as_numbers() -> None:
    values = validated(Everything, {"volume": QueryText("10"), "enabled": QueryText("0")}, partial=True)
    assert values == {"volume": 10, "enabled": False}


def test_equal_keys_that_cannot_change_are_ignored() -> None:
    refuse_changes({"id": Decimal("5.0"), "name": "x", "other": 1}, id=5, name="x", login=7)


@pytest.mark.parametrize("payload", [{"id": 6}, {"id": "1"}, {"id": True}, {"id": None}, {"id": [1]}])
def test_other_values_of_keys_that_cannot_change_are_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(DomainError, match="id: cannot be changed"):
        refuse_changes(payload, id=1)
