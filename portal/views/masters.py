"""The masters that a customer can follow, and following one: settings, a page that says what will happen, then it does."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from copytrade.models import CopyFollower, CopyMaster, FollowerModes, MasterStatus, VolumeMode
from copytrade.selectors import followers_own, masters_visible, subscriptions_followed
from copytrade.services.followers import follower_create, follower_update
from copytrade.services.subscriptions import subscription_create
from core.errors import DomainError
from core.states import AccountMode, CopyRole, PositionMode
from portal import formats
from portal.forms import CopySettingsForm
from portal.http import PortalRequest, attempt, customer_page, moved, refusal_sentence
from portal.terms import terms_of
from portal.words import COPY_MODES, FOLLOWER_MODES, SYMBOLS_MODES

MASTERS_MOST = 10
"""How many masters one account can copy."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An own account in the follow form; `reason` says why it cannot be chosen, `raises` whether its limit is raised."""

    account: TradingAccount
    reason: str
    profile: CopyFollower | None
    copies_now: int

    @property
    def raises_limit(self) -> bool:
        return self.profile is not None and self.copies_now >= self.profile.max_master_count


@customer_page
def listing(request: PortalRequest) -> HttpResponse:
    """All visible masters, the most followed first."""
    found: list[Any] = list(masters_visible(request.viewer.actor))
    found.sort(key=lambda visible: (-visible.followers, visible.strategy_name, visible.pk))
    followed = set(subscriptions_followed(request.viewer.actor).values_list("master_id", flat=True))
    masters = [_shown(master) | {"followed": master.pk in followed} for master in found]
    return render(request, "portal/masters.html", {"masters": masters})


@customer_page
def master(request: PortalRequest, login: int) -> HttpResponse:
    """One master's profile."""
    found = _master(request, login)
    mine = subscriptions_followed(request.viewer.actor).filter(master_id=found.pk)
    return render(request, "portal/master.html", _shown(found) | {"subscriptions": mine})


@customer_page
def follow(request: PortalRequest, login: int) -> HttpResponse:
    """The form; then a page that says what will happen; then it happens."""
    found = _master(request, login)
    choices = _choices(request, found)
    context = _shown(found) | {"choices": choices, "possible": any(not choice.reason for choice in choices)}
    if request.method != "POST":
        form = CopySettingsForm()
        free = [choice.account.login for choice in choices if not choice.reason]
        wanted = request.viewer.chosen.login if request.viewer.chosen else None
        picked = wanted if wanted in free else (free[0] if free else None)
        return render(request, "portal/follow.html", context | {"form": form, "picked": picked})
    form = CopySettingsForm(request.POST)
    choice = next((c for c in choices if str(c.account.login) == request.POST.get("follower")), None)
    context |= {"form": form, "picked": choice.account.login if choice else None}
    if choice is None:
        context["refused"] = _("Choose one of your accounts.")
    elif choice.reason:
        context["refused"] = choice.reason
    if not form.is_valid() or "refused" in context or "back" in request.POST:
        return render(request, "portal/follow.html", context)
    assert choice is not None
    if "confirm" not in request.POST:
        return render(request, "portal/follow_confirm.html", context | {"choice": choice, "told": _told(form)})
    try:
        with attempt():
            _follow(request, found, choice, form)
    except DomainError as error:
        return render(request, "portal/follow.html", context | {"refused": refusal_sentence(error)})
    said = _("Account %(login)s now copies %(name)s from the next trade on.")
    words = {"login": choice.account.login, "name": found.strategy_name}
    return moved(request, reverse("portal:copying"), said % words)


def _follow(request: PortalRequest, found: CopyMaster, choice: Choice, form: CopySettingsForm) -> None:
    """One use case of two services: the account's profile where it has none (or its limit), and the subscription."""
    actor = request.viewer.actor
    if choice.profile is None:
        follower_create(actor=actor, login=choice.account.login, settings={}, at=request.at)
    elif choice.raises_limit:
        limit = {"max_master_count": choice.copies_now + 1}
        follower_update(follower_id=choice.profile.pk, settings=limit, at=request.at)
    subscription_create(
        actor=actor,
        master_login=found.account.login,
        follower_login=choice.account.login,
        settings=form.cleaned_data,
        at=request.at,
    )


def _master(request: PortalRequest, login: int) -> Any:
    found = masters_visible(request.viewer.actor).filter(account__login=login).first()
    if found is None:
        raise Http404
    return found


def _shown(found: Any) -> dict[str, Any]:
    return {
        "master": found,
        "terms": terms_of(found),
        "admits": FOLLOWER_MODES[FollowerModes(found.allowed_follower_modes)],
        "full": bool(found.max_followers) and found.followers >= found.max_followers,
    }


def _choices(request: PortalRequest, found: CopyMaster) -> list[Choice]:
    profiles = {profile.account_id: profile for profile in followers_own(request.viewer.actor)}
    copied: dict[int, set[int]] = {}
    for follower_id, leader_id in subscriptions_followed(request.viewer.actor).values_list("follower_id", "leader_id"):
        copied.setdefault(follower_id, set()).add(leader_id)
    return [
        Choice(
            account,
            _obstacle(account, found, copied.get(account.pk, set())),
            profiles.get(account.pk),
            len(copied.get(account.pk, set())),
        )
        for account in request.viewer.accounts
    ]


def _obstacle(account: TradingAccount, found: CopyMaster, leaders: set[int]) -> str:
    """Why this account cannot follow, in a sentence; the services decide again under the locks."""
    if found.status != MasterStatus.ACTIVE or not found.enabled:
        return _("This master takes no followers at the moment.")
    if account.pk == found.account_id:
        return _("This is the master's own account.")
    if account.copy_role == CopyRole.LEADER:
        return _("It leads others: an account is a leader or a follower, never both.")
    admitted = {
        FollowerModes.REAL_ONLY: {AccountMode.REAL},
        FollowerModes.DEMO_ONLY: {AccountMode.DEMO},
        FollowerModes.REAL_AND_DEMO: set(AccountMode),
    }[FollowerModes(found.allowed_follower_modes)]
    if account.mode not in admitted:
        if account.mode is AccountMode.DEMO:
            return _("It is a demo account; this master admits real accounts only.")
        return _("It is a real account; this master admits demo accounts only.")
    if found.account_id in leaders:
        return _("It copies this master already.")
    if leaders and account.group.position_mode == PositionMode.NETTING:
        return _("It holds one net position per symbol and copies a master already; such accounts can copy only one.")
    if len(leaders) >= MASTERS_MOST:
        return _("It copies %(most)s masters already, which is the most.") % {"most": MASTERS_MOST}
    return ""


def _told(form: CopySettingsForm) -> list[tuple[str, str]]:
    """The settings in words, for the confirmation."""
    data = form.cleaned_data
    factor = formats.number(data["risk_multiplier"])
    volume = {
        VolumeMode.FIXED: _("%(lots)s lots for every entry") % {"lots": formats.lots(data["fixed_volume"])},
        VolumeMode.MULTIPLIER: _("the leader's volume × %(factor)s") % {"factor": factor},
        VolumeMode.EQUITY_RATIO: _("in proportion to equity × %(factor)s") % {"factor": factor},
        VolumeMode.BALANCE_RATIO: _("in proportion to balance × %(factor)s") % {"factor": factor},
    }[VolumeMode(data["volume_mode"])]
    told = [(_("Volume"), volume)]
    if data["min_volume"]:
        told.append(
            (
                _("Smallest entry"),
                _("%(lots)s lots, smaller ones are skipped") % {"lots": formats.lots(data["min_volume"])},
            )
        )
    if data["max_volume"]:
        told.append(
            (_("Largest entry"), _("%(lots)s lots, larger ones are cut") % {"lots": formats.lots(data["max_volume"])})
        )
    told.append((_("What is copied"), str(dict(COPY_MODES)[data["copy_mode"]])))
    symbols = str(dict(SYMBOLS_MODES)[data["symbols_mode"]])
    told.append((_("Symbols"), f"{symbols}: {data['symbols']}" if data["symbols_mode"] else symbols))
    return told
