"""The strict fields of `infra.api.fields` as JSON schema, for drf-spectacular, which finds these by their base class."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from infra.api import fields, wire

_PLAIN_DECIMAL = rf"^-?[0-9]{{1,{wire.DIGITS_BEFORE}}}(\.[0-9]{{1,{wire.DIGITS_AFTER}}})?$"


class _FieldShape(OpenApiSerializerFieldExtension):
    """Base: a field of `infra.api.fields` as JSON schema."""

    target_class = "infra.api.fields.StrictField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return {}


class WholeNumberShape(_FieldShape):
    target_class = "infra.api.fields.WholeNumberField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        field: fields.WholeNumberField = self.target
        return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}


class DecimalShape(_FieldShape):
    target_class = "infra.api.fields.WireDecimalField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        field: fields.WireDecimalField = self.target
        number: dict[str, Any] = {"type": "number"}
        # Bounds of a schema are JSON numbers, which YAML and JSON writers have no exact form for.
        if field.positive:
            number["exclusiveMinimum"] = 0
        elif field.min_value is not None:
            number["minimum"] = float(field.min_value)
        if field.max_value is not None:
            number["maximum"] = float(field.max_value)
        return {"oneOf": [number, {"type": "string", "pattern": _PLAIN_DECIMAL}]}


class FlagShape(_FieldShape):
    target_class = "infra.api.fields.FlagField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return {"oneOf": [{"type": "integer", "minimum": 0, "maximum": 1}, {"type": "boolean"}]}


class CleanTextShape(_FieldShape):
    target_class = "infra.api.fields.CleanTextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        field: fields.CleanTextField = self.target
        return {"type": "string", "minLength": field.min_length, "maxLength": field.max_length}


class ClockTimeShape(_FieldShape):
    target_class = "infra.api.fields.ClockTimeField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": fields.CLOCK_PATTERN}


class TextChoiceShape(_FieldShape):
    target_class = "infra.api.fields.TextChoiceField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return _choice("string", self.target.members, auto_schema)


class NumberChoiceShape(_FieldShape):
    target_class = "infra.api.fields.NumberChoiceField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return _choice("integer", self.target.members, auto_schema)


def _choice(kind: str, members: Mapping[Any, Any], auto_schema: AutoSchema) -> dict[str, Any]:
    """One of a fixed set; an enumeration becomes a component that has its name."""
    schema = {"type": kind, "enum": list(members)}
    kinds = {type(member) for member in members.values()}
    chosen: Any = kinds.pop() if len(kinds) == 1 else object
    if not issubclass(chosen, Enum) or len(members) != len(chosen):
        return schema
    component = ResolvedComponent(chosen.__name__, ResolvedComponent.SCHEMA, schema=schema, object=chosen)
    auto_schema.registry.register_on_missing(component)
    reference: dict[str, Any] = component.ref
    return reference


class UnixTimeShape(_FieldShape):
    target_class = "infra.api.fields.UnixTimeField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "maximum": wire.LAST_SECOND, "description": "unix seconds, 0 = none"}


class ListShape(_FieldShape):
    target_class = "infra.api.fields.ListOf"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        field: fields.ListOf = self.target
        item = field.child
        shape = (
            auto_schema.resolve_serializer(item, direction).ref
            if isinstance(item, fields.Body)
            else auto_schema._map_serializer_field(item, direction)
        )
        return {"type": "array", "items": shape, "minItems": field.min_items, "maxItems": field.max_items}
