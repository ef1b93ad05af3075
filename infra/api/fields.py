"""Serializer fields as strict as the contract, and `Body`, the base of every request.

    class Opening(Body):
        volume = WholeNumberField(min_value=1)
        sl = WireDecimalField(default=ZERO, min_value=ZERO)
        side = TextChoiceField(Side)

The first failing field becomes one `INVALID_DATA`, whose message names it (`followers[2].ratio`). A field or nested
`Body` with another code says so: `RewardPolicyField(error_code="INVALID_REWARD_POLICY")`. Unknown keys are ignored,
`null` is refused unless a field has `allow_null`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import SkipField

from core import clock
from core.errors import DomainError, Kind, invalid
from infra.api import wire
from infra.api.wire import NotAccepted

CLOCK_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


class StrictField(serializers.Field):
    """A field that is read by one of `wire`'s readers. `error_code` replaces `INVALID_DATA` for its failures."""

    def __init__(self, *, error_code: str = "", **options: Any) -> None:
        self.error_code = error_code
        super().__init__(**options)

    def read(self, value: object) -> Any:
        """The value, or `NotAccepted`."""
        raise NotImplementedError

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.read(data)
        except NotAccepted as error:
            raise ValidationError(error.message) from error

    def to_representation(self, value: Any) -> Any:
        return value


class WholeNumberField(StrictField):
    """Logins, ids, volumes, counts: 10 and 10.0, never "10" or true."""

    def __init__(self, *, min_value: int = wire.BIGINT_MIN, max_value: int = wire.BIGINT_MAX, **options: Any) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**options)

    def read(self, value: object) -> int:
        return wire.read_whole(value, self.min_value, self.max_value)


class IdField(WholeNumberField):
    """A record id, login or order number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, **options)


class WireDecimalField(StrictField):
    """Prices, money, lots, factors. `positive` asks for more than zero; `min_value` and `max_value` are included."""

    def __init__(
        self,
        *,
        min_value: Decimal | int | None = None,
        max_value: Decimal | int | None = None,
        positive: bool = False,
        **options: Any,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.positive = positive
        super().__init__(**options)

    def read(self, value: object) -> Decimal:
        number = wire.read_decimal(value)
        if self.positive and number <= 0:
            raise NotAccepted(_("must be above 0"))
        if self.min_value is not None and number < self.min_value:
            raise NotAccepted(_("must be at least %(least)s") % {"least": self.min_value})
        if self.max_value is not None and number > self.max_value:
            raise NotAccepted(_("must be at most %(most)s") % {"most": self.max_value})
        return number


class FlagField(StrictField):
    """0, 1, false, true. Gives a bool, or with `as_int` 0 or 1."""

    def __init__(self, *, as_int: bool = False, **options: Any) -> None:
        self.as_int = as_int
        super().__init__(**options)

    def read(self, value: object) -> bool | int:
        flag = wire.read_flag(value)
        return int(flag) if self.as_int else flag


class CleanTextField(StrictField):
    """Text that the database can hold, as it was sent. `trim` cuts white space at both ends before it is measured."""

    def __init__(self, *, max_length: int = 255, min_length: int = 0, trim: bool = False, **options: Any) -> None:
        self.max_length = max_length
        self.min_length = min_length
        self.trim = trim
        super().__init__(**options)

    def read(self, value: object) -> str:
        if self.trim and isinstance(value, str):
            value = value.strip()
        return wire.read_text(value, self.max_length, self.min_length)


class ClockTimeField(StrictField):
    """Hours and minutes of a clock, as `17:00`."""

    def read(self, value: object) -> time:
        text = wire.read_text(value)
        if not re.fullmatch(CLOCK_PATTERN, text):
            raise NotAccepted(_("must be a time such as 17:00"))
        return time.fromisoformat(text)


class TextChoiceField(StrictField):
    """One word of a fixed set; gives the member when the set is an enumeration."""

    def __init__(self, choices: Iterable[Any], **options: Any) -> None:
        self.members = {_bare(choice): choice for choice in choices}
        super().__init__(**options)

    def read(self, value: object) -> Any:
        text = wire.read_text(value)
        if text not in self.members:
            raise NotAccepted(_("must be one of %(choices)s") % {"choices": ", ".join(self.members)})
        return self.members[text]


class NumberChoiceField(StrictField):
    """One whole number of a fixed set; gives the member when the set is an enumeration."""

    def __init__(self, choices: Iterable[Any], **options: Any) -> None:
        self.members = {_bare(choice): choice for choice in choices}
        super().__init__(**options)

    def read(self, value: object) -> Any:
        number = wire.read_whole(value)
        if number not in self.members:
            raise NotAccepted(_("must be one of %(choices)s") % {"choices": ", ".join(map(str, self.members))})
        return self.members[number]


class UnixTimeField(StrictField):
    """Unix seconds; gives an aware instant, and None for 0."""

    def read(self, value: object) -> datetime | None:
        seconds = wire.read_seconds(value)
        return clock.from_unix(seconds) if seconds else None


class ListOf(StrictField):
    """A JSON list whose items are all read by one field or one `Body`."""

    def __init__(self, child: serializers.Field, *, max_items: int = 1000, min_items: int = 0, **options: Any) -> None:
        self.child = child
        self.max_items = max_items
        self.min_items = min_items
        super().__init__(**options)
        child.bind(field_name="", parent=cast(Any, self))

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise ValidationError(_("must be a list"))
        if len(data) > self.max_items:
            raise ValidationError(_("must have at most %(most)s items") % {"most": self.max_items})
        if len(data) < self.min_items:
            raise ValidationError(_("must have at least %(least)s items") % {"least": self.min_items})
        items = []
        for index, item in enumerate(data):
            try:
                items.append(self.child.run_validation(item))
            except (ValidationError, DjangoValidationError) as error:
                raise ValidationError({f"[{index}]": _detail(error)}) from error
        return items


class Body(serializers.Serializer):
    """A request: its fields in order, the first failure ends the reading. Nested, it is a field like any other.

    Beyond fields: `validate_<field>(value)` and `validate(values)` as in any serializer; both may raise `DomainError`,
    also through `core.errors.invalid`.
    """

    error_code: str = ""
    """The code for whatever fails inside, instead of `INVALID_DATA`."""
    default_error_messages: ClassVar[dict[str, Any]] = {}

    def __init__(self, *args: Any, error_code: str = "", **options: Any) -> None:
        self.error_code = error_code or type(self).error_code
        super().__init__(*args, **options)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise ValidationError(_("must be an object"))
        values: dict[str, Any] = {}
        for name, field in self.fields.items():
            try:
                value = field.run_validation(data.get(name, serializers.empty))
                check: Callable[[Any], Any] | None = getattr(self, f"validate_{name}", None)
                values[name] = value if check is None else check(value)
            except SkipField:
                continue
            except (ValidationError, DjangoValidationError) as error:
                problem: Any = {name: _detail(error)}
                code = getattr(field, "error_code", "")
                raise (_refusal(problem, code) if code else ValidationError(problem)) from error
        return values


def validated(
    body: type[Body], data: Mapping[str, Any], *, partial: bool = False, context: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The values of `data` as `body` reads them; `DomainError` naming the first field that fails.

    With `partial` missing keys stay missing, defaults included: the reading of a PUT.
    """
    reader = body(partial=partial, context=context or {})
    try:
        return dict(reader.run_validation(data))
    except ValidationError as error:
        raise _refusal(error.detail, reader.error_code) from error


def refuse_changes(payload: Mapping[str, Any], **fixed: Any) -> None:
    """400 for a key of a PUT that cannot change and differs; equal or absent ones are ignored.

    `refuse_changes(self.payload, id=master.id, login=account.login, created_time=unix(master.created_at))`.
    """
    for name, current in fixed.items():
        if name not in payload:
            continue
        sent = payload[name]
        # In Python true equals 1; on the wire it does not.
        if isinstance(sent, bool) != isinstance(current, bool) or sent != current:
            raise invalid(name, _("cannot be changed"))


def first_problem(detail: Any, path: str = "") -> tuple[str, str]:
    """Where the first failure of a validation lies, and what it says."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == "non_field_errors":
                return first_problem(inner, path)
            joint = "" if not path or name.startswith("[") else "."
            return first_problem(inner, f"{path}{joint}{name}")
    if isinstance(detail, list) and detail:
        return first_problem(detail[0], path)
    return path or "body", str(detail)


def _refusal(detail: Any, code: str) -> DomainError:
    path, message = first_problem(detail)
    problem = invalid(path, message)
    return DomainError(Kind.INVALID, code, problem.message, field=path) if code else problem


def _detail(error: ValidationError | DjangoValidationError) -> Any:
    return error.detail if isinstance(error, ValidationError) else list(error.messages)


def _bare(choice: Any) -> Any:
    return choice.value if isinstance(choice, Enum) else choice
