"""Failures outside the views: a page for people below /app/ and /console/, the envelope of the contract everywhere else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from infra.api import errors as api
from portal.http import error_page

_PAGES = ("/app", "/console")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler400`."""
    return _fitting(request, 400, _("The request could not be read."), lambda: api.handler400(request, exception))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler403`."""
    return _fitting(request, 403, _("This is not yours to see."), lambda: api.handler403(request, exception))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's `handler404`."""
    return _fitting(request, 404, _("There is nothing at this address."), lambda: api.handler404(request, exception))


def failed(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`; Django has logged the exception."""
    message = _("Something went wrong on our side. Nothing was changed.")
    return _fitting(request, 500, message, lambda: api.handler500(request))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's `CSRF_FAILURE_VIEW`."""
    message = _("This page was open for too long. Go back, reload it and try again.")
    return _fitting(request, 403, message, lambda: api.csrf_failure(request, reason))


def _fitting(request: HttpRequest, status: int, message: str, envelope: Callable[[], HttpResponse]) -> HttpResponse:
    return error_page(request, status, message) if request.path.startswith(_PAGES) else envelope()
