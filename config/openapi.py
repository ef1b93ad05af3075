"""What the description of the API has beyond the views of Django REST framework: the platform's own addresses, the
error envelope and how to sign in."""

from typing import Any

from infra.api.schema import ERROR, SECURITY_SCHEMES
from infra.api.shapes import Shape, record, word

_OK = record(("degraded",), status=word("ok"), degraded=Shape({"type": "boolean"}, False))
_NOT_READY = record(status=word("not ready"), waiting_for=word("database", "migrations", "demo"))


def platform_described(result: dict[str, Any], **_options: Any) -> dict[str, Any]:
    """For drf-spectacular's `POSTPROCESSING_HOOKS`."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = ERROR
    components["securitySchemes"] = SECURITY_SCHEMES
    result["paths"] |= {
        "/health/live": _get("live", "Whether the process answers", _json(record(status=word("ok")))),
        "/health/ready": _get(
            "ready",
            "Whether requests can be served; `degraded` without Redis",
            _json(_OK),
            {"503": {"description": "Not yet.", **_json(_NOT_READY)}},
        ),
        "/metrics": _get(
            "metrics",
            "Prometheus' text, for this machine and bearers of the metrics token",
            {"content": {"text/plain": {"schema": {"type": "string"}}}},
            {"404": {"description": "For everybody else.", **_refused("RET_ERR_NOTFOUND")}},
        ),
        "/schema": _get(
            "schema",
            "This description",
            {"content": {"application/vnd.oai.openapi+json": {"schema": {"type": "object"}}}},
        ),
        "/docs": _get(
            "docs", "This description for people", {"content": {"text/html": {"schema": {"type": "string"}}}}
        ),
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _get(name: str, summary: str, answer: dict[str, Any], others: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "get": {
            "operationId": f"get_{name}",
            "summary": summary,
            "tags": ["platform"],
            "responses": {"200": {"description": "Done.", **answer}, **(others or {})},
        }
    }


def _json(shape: Shape) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": shape.schema, "example": shape.example}}}


def _refused(code: str) -> dict[str, Any]:
    example = {"error": code, "message": "There is nothing at this address."}
    return {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "example": example}}}
