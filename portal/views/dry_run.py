"""The dry run beside the follow form: the form as it stands, on the master's last days."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils.translation import gettext as _

from copytrade.reasons import detail, next_step
from core.errors import DomainError
from core.rounding import ZERO
from marketplace.domain.dry_run import CurvePoint, DryRun
from marketplace.services.dry_run import dry_run_make
from portal.forms_copying import CopySettingsForm
from portal.http import PortalRequest, copying_page, refusal_sentence
from portal.master_reads import master_seen

DAYS: Final = (30, 90)
_PART: Final = "portal/parts/dry_run.html"


@dataclass(frozen=True, slots=True)
class Shown:
    """A point of the curve, and how far below the peak so far it lies, as a fraction of zero or less."""

    point: CurvePoint
    drawdown: Decimal

    def drawn(self) -> dict[str, Any]:
        """As `static/portal/charts.js` reads it."""
        seconds = int(self.point.time.timestamp())
        return {"time": seconds, "equity": self.point.equity, "drawdown": self.drawdown, "flow": ZERO}


@copying_page
def dry_run(request: PortalRequest, login: int) -> HttpResponse:
    """What the settings in the form would have done; a part of the page, nothing is stored."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    found = master_seen(request.viewer.actor, login)
    form = CopySettingsForm(request.POST)
    days = next((number for number in DAYS if str(number) == request.POST.get("days")), DAYS[0])
    context: dict[str, Any] = {"master": found, "days": days}
    if not form.is_valid():
        wrong = [f"{form[name].label}: {error}" for name, errors in form.errors.items() for error in errors]
        return render(request, _PART, context | {"wrong": wrong})
    account = next((a for a in request.viewer.accounts if str(a.login) == request.POST.get("follower")), None)
    try:
        made = dry_run_make(
            actor=request.viewer.actor,
            master_login=login,
            follower_login=None if account is None else account.login,
            days=days,
            settings=form.lasting,
            at=request.at,
        )
    except DomainError as error:
        return render(request, _PART, context | {"wrong": [refusal_sentence(error)]})
    return render(request, _PART, context | _shown(made) | {"account": account})


def _shown(made: DryRun) -> dict[str, Any]:
    points = _points(made.curve)
    return {
        "run": made,
        "left": made.pnl - made.rewards,
        "points": points,
        "curve": {"points": [point.drawn() for point in points], "currency": made.currency},
        "skipped": [
            (count, detail(reason) or _("It was not tried."), next_step(reason)) for reason, count in made.reasons
        ],
    }


def _points(curve: Sequence[CurvePoint]) -> list[Shown]:
    shown, peak = [], ZERO
    for point in curve:
        peak = max(peak, point.equity)
        shown.append(Shown(point, (point.equity - peak) / peak if peak else ZERO))
    return shown
