"""Following a master and changing what follows: settings, a page that says what will happen, then it does."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import TradingAccount
from accounts.selectors import product_config
from copytrade.domain.limits import LIMITS, STOP_LIMITS, Limit
from copytrade.models import CopyFollower, CopyMaster, FollowerModes, MasterStatus, SubscriptionStatus, VolumeMode
from copytrade.selectors import followers_own, limits_under, subscription_owned, subscriptions_followed
from copytrade.services.endings import OpenCopies
from copytrade.services.followers import follower_create, follower_update
from copytrade.services.subscriptions import subscription_create, subscription_end, subscription_update
from core.errors import DomainError
from core.states import AccountMode, CopyRole, PositionMode
from portal import formats, reads
from portal.forms_copying import CopySettingsForm, initial_limits, initial_of
from portal.http import PortalRequest, attempt, copying_page, customer_page, moved, refusal_sentence
from portal.master_reads import master_seen, master_shown
from portal.views.dry_run import DAYS
from portal.words import COPY_MODES, STOP_ACTIONS, SYMBOLS_MODES, WHOSE

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


# --- Following ----------------------------------------------------------------------------------------------------------


@copying_page
def follow(request: PortalRequest, login: int) -> HttpResponse:
    """The form; then a page that says what will happen; then it happens."""
    found, config = master_seen(request.viewer.actor, login), product_config()
    choices = _choices(request, found)
    possible = any(not choice.reason for choice in choices)
    context = master_shown(found) | {"choices": choices, "possible": possible, "days": DAYS}
    if request.method != "POST":
        form = CopySettingsForm(initial=initial_limits(config), bounds=limits_under(found, {}, config))
        free = [choice.account.login for choice in choices if not choice.reason]
        wanted = request.viewer.chosen.login if request.viewer.chosen else None
        picked = wanted if wanted in free else (free[0] if free else None)
        return render(request, "portal/follow.html", context | {"form": form, "picked": picked})
    form = CopySettingsForm(request.POST, bounds=limits_under(found, {}, config))
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
        return render(request, "portal/follow_confirm.html", context | {"choice": choice, "told": _told(form, found)})
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
        settings=form.lasting,
        copy_existing_positions=form.cleaned_data["copy_existing_positions"],
        at=request.at,
    )


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


def _told(form: CopySettingsForm, found: CopyMaster) -> list[tuple[str, str]]:
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
    limits = limits_under(found, {name: Decimal(data[name]) for name in LIMITS})
    return told + _protection_told(data, limits)


def _protection_told(data: dict[str, Any], limits: dict[str, Limit]) -> list[tuple[str, str]]:
    """What limits a loss, whoever asks it, and what else differs from what most people want."""
    told = [
        (str(CopySettingsForm.base_fields[name].label), f"{formats.number(limit.value)} ({WHOSE[limit.whose]})")
        for name, limit in limits.items()
        if limit.whose
    ]
    if any(limits[name].whose for name in STOP_LIMITS):
        told.append(
            (str(CopySettingsForm.base_fields["stop_action"].label), str(dict(STOP_ACTIONS)[data["stop_action"]]))
        )
    for name in ("reverse_direction", "copy_pending_orders", "auto_variant", "copy_existing_positions"):
        if data[name]:
            told.append((str(CopySettingsForm.base_fields[name].label), _("yes")))
    for name in ("copy_sl", "copy_tp", "copy_partial_close"):
        if not data[name]:
            told.append((str(CopySettingsForm.base_fields[name].label), _("no")))
    return told


# --- Changing, resting, ending ------------------------------------------------------------------------------------------


@customer_page
def pause(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """No new entries; open copies still follow the leader's exits."""
    return _rest(
        request,
        subscription_id,
        {"status": SubscriptionStatus.PAUSED},
        _("Paused. Open copies still follow the leader's exits."),
    )


@copying_page
def resume(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """Entries are copied again, from the next one on."""
    settings = {"status": SubscriptionStatus.ACTIVE, "enabled": True}
    return _rest(request, subscription_id, settings, _("Resumed. The next trade of the leader is copied."))


def _rest(request: PortalRequest, subscription_id: int, settings: dict[str, Any], said: str) -> HttpResponse:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    subscription_owned(request.viewer.actor, subscription_id)
    try:
        with attempt():
            subscription_update(subscription_id=subscription_id, settings=settings, at=request.at)
    except DomainError as error:
        return moved(request, reverse("portal:copying"), refusal_sentence(error), "bad")
    return moved(request, reverse("portal:copying"), said)


@copying_page
def edit(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """The settings of one subscription; they hold from the leader's next trade on."""
    subscription = subscription_owned(request.viewer.actor, subscription_id)
    assert subscription.master is not None, "a group's copies are not set here"
    bounds = limits_under(subscription.master, {})
    context: dict[str, Any] = {"s": subscription, "part": "portal/parts/edit.html"}
    if request.method != "POST":
        form = CopySettingsForm(initial=initial_of(subscription), beginning=False, bounds=bounds)
        return _dialog(request, context | {"form": form})
    form = CopySettingsForm(request.POST, beginning=False, bounds=bounds)
    if not form.is_valid():
        return _dialog(request, context | {"form": form})
    try:
        with attempt():
            subscription_update(subscription_id=subscription_id, settings=form.lasting, at=request.at)
    except DomainError as error:
        return _dialog(request, context | {"form": form, "refused": refusal_sentence(error)})
    return moved(request, reverse("portal:copying"), _("Saved. The settings hold from the leader's next trade on."))


@customer_page
def stop(request: PortalRequest, subscription_id: int) -> HttpResponse:
    """Ends a subscription: the dialog says how many open copies it concerns, and asks what becomes of them."""
    subscription = subscription_owned(request.viewer.actor, subscription_id)
    copies = reads.open_copies_of([subscription])[subscription.pk]
    context: dict[str, Any] = {"s": subscription, "copies": copies, "part": "portal/parts/stop.html"}
    if request.method != "POST":
        return _dialog(request, context)
    wish = request.POST.get("open_copies", OpenCopies.KEEP_EXITS)
    if wish not in set(OpenCopies):
        return _dialog(request, context | {"refused": _("Choose what becomes of the open copies.")})
    try:
        with attempt():
            subscription_end(subscription_id=subscription_id, open_copies=OpenCopies(wish), at=request.at)
    except DomainError as error:
        return _dialog(request, context | {"refused": refusal_sentence(error)})
    master = subscription.master
    assert master is not None, "a group's copies are not ended here"
    words = {"login": subscription.follower.login, "name": master.strategy_name}
    said = _("Account %(login)s no longer copies %(name)s.") % words
    return moved(request, reverse("portal:copying"), said)


def _dialog(request: PortalRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, context["part"] if request.htmx else "portal/dialog_page.html", context)
