"""What operators and their machines ask: is it alive, is it ready, how does it do, what can it do."""

import logging
from hmac import compare_digest
from ipaddress import ip_address
from os import environ
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import re_path
from django.views.decorators.http import require_safe
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError

from accounts.models import Tenant
from copytrade.engine.metrics import LagCollector
from core import clock
from infra.api.errors import handler404

logger = logging.getLogger(__name__)

_migrated = False


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when requests can be served: the database answers, is migrated and, in the demo, seeded; 503 until then.

    Without Redis the platform works, but without live push and without counting: `degraded`.
    """
    try:
        missing = _missing()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("not ready: %s", error)
        missing = "database"
    if missing:
        return JsonResponse({"status": "not ready", "waiting_for": missing}, status=503, headers={"Retry-After": "1"})
    return JsonResponse({"status": "ok"} if _redis_answers() else {"status": "ok", "degraded": True})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, for this machine and for bearers of the token; for all others the address does not exist."""
    if not (_is_this_machine(request) or _has_token(request)):
        return handler404(request)
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """What is counted here and, where PROMETHEUS_MULTIPROC_DIR is shared with them, in the workers; and the lag."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in environ:
        MultiProcessCollector(registry)
    else:
        registry.register(REGISTRY)
    registry.register(LagCollector(clock.now))
    return registry


class Schema(SpectacularAPIView):
    """OpenAPI 3.1, as JSON unless YAML is asked for."""

    renderer_classes = [OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer]


class Docs(SpectacularSwaggerSplitView):
    """The same for people. Its script comes from an address of its own, because inline scripts are not let through."""

    template_name = "platform/docs.html"


def _missing() -> str:
    """What the first requests would miss, "" for nothing."""
    global _migrated
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations"
        _migrated = True
    # The demo's tenants go live at the end of their seed.
    if settings.DEMO and (not Tenant.objects.exists() or Tenant.objects.filter(live=False).exists()):
        return "demo"
    return ""


def _redis_answers() -> bool:
    client: Any = cache._cache.get_client()  # type: ignore[attr-defined]  # Django's cache cannot be pinged
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False


def _is_this_machine(request: HttpRequest) -> bool:
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # a proxy on this machine asks for somebody else
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    return bool(expected) and scheme.lower() == "bearer" and compare_digest(token.encode(), expected.encode())


urlpatterns = [
    re_path(r"^health/live/?$", live),
    re_path(r"^health/ready/?$", ready),
    re_path(r"^metrics/?$", metrics),
    re_path(r"^schema/?$", Schema.as_view(), name="schema"),
    re_path(r"^docs/?$", Docs.as_view(), name="docs"),
]
