"""The OpenAPI description says what the fields accept."""

from typing import Any

from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.response import Response

from infra.api.schema import describe, table_parameters
from infra.api.shapes import record, whole
from infra.api.views import ApiView
from tests.unit.api.test_bodies import Everything

DONE = record(id=whole(5))


class Described(ApiView):
    """What the view says."""

    @describe("Read", query=table_parameters(most=500, required=True), answer=DONE)
    def get(self, request: Any) -> Response:
        return Response({})

    @describe("Write", body=Everything, sent={"volume": 3}, answer=DONE, errors={403: ("NOT_NOW",), 409: ("TAKEN",)})
    def post(self, request: Any) -> Response:
        return Response({})

    @describe("Change", body=Everything, partial=True, answer=DONE)
    def put(self, request: Any) -> Response:
        return Response({})

    @describe("Remove", body=Everything, answer=DONE)
    def delete(self, request: Any) -> Response:
        return Response({})


def described() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator(patterns=[path("x", Described.as_view())]).get_schema(public=True)
    return schema


def test_fields_are_described_as_they_are_read() -> None:
    fields = described()["components"]["schemas"]["Everything"]["properties"]
    assert fields["volume"] == {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    assert fields["enabled"]["oneOf"] == [{"type": "integer", "minimum": 0, "maximum": 1}, {"type": "boolean"}]
    assert fields["name"] == {"type": "string", "minLength": 1, "maxLength": 5}
    assert fields["lots"]["oneOf"][1]["type"] == "string"
    assert fields["members"]["items"] == {"$ref": "#/components/schemas/Member"}


def codes(operation: dict[str, Any]) -> dict[str, list[str]]:
    """The codes of each refusal."""
    return {
        status: answer["content"]["application/json"]["schema"]["properties"]["error"]["enum"]
        for status, answer in operation["responses"].items()
        if status != "200"
    }


def test_every_operation_tells_its_answer_and_every_refusal() -> None:
    operations = described()["paths"]["/x"]
    read, written = operations["get"], operations["post"]
    assert (read["summary"], read["description"]) == ("Read", "What the view says.")
    assert read["responses"]["200"]["content"]["application/json"]["example"] == {"id": 5}
    assert codes(read) == {
        "400": ["INVALID_DATA"],
        "401": ["INVALID_CUSTOMER_SESSION"],
        "413": ["BODY_TOO_LARGE"],
        "415": ["UNSUPPORTED_MEDIA_TYPE"],
        "429": ["RET_TOO_FREQUENT"],
        "503": ["UNAVAILABLE"],
    }
    assert codes(written) == codes(read) | {
        "403": ["NOT_NOW", "CSRF_FAILED"],
        "409": ["TAKEN", "IDEMPOTENCY_KEY_REUSED"],
    }
    assert "Retry-After" in written["responses"]["429"]["headers"]
    assert written["requestBody"]["content"]["application/json"]["example"] == {"volume": 3}


def test_a_change_requires_no_key() -> None:
    schemas = described()["components"]["schemas"]
    assert "volume" in schemas["Everything"]["required"]
    assert "required" not in schemas["PatchedEverything"]


def test_a_delete_shows_its_keys_in_both_places() -> None:
    operation = described()["paths"]["/x"]["delete"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("Everything")
    assert "required" not in operation["requestBody"]
    assert {"volume", "enabled"} <= {one["name"] for one in operation["parameters"] if one["in"] == "query"}
    assert not any(one.get("required") for one in operation["parameters"] if one["in"] == "query")


def test_a_table_shows_its_filter() -> None:
    parameters = {one["name"]: one for one in described()["paths"]["/x"]["get"]["parameters"]}
    assert parameters["limit"]["schema"]["maximum"] == 500
    assert parameters["limit"]["required"]
    assert "whereNotBetween" in parameters
