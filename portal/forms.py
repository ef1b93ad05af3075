"""Forms: what a person types, read strictly; the services decide whether it is allowed."""

from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.rounding import ZERO
from core.states import Side, TicketKind
from infra.api.wire import NotAccepted, read_decimal
from portal.words import ORDER_KINDS

VOLUME_MOST = Decimal(1_000_000)


class ExactField(forms.Field):
    """A number without a detour through a float. A comma counts as the decimal point where there is no point."""

    widget = forms.TextInput

    def __init__(
        self, *, least: Decimal = ZERO, most: Decimal | None = None, above: bool = False, **kwargs: Any
    ) -> None:
        self.least, self.most, self.above = least, most, above
        super().__init__(**kwargs)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", "maxlength": "32"}

    def to_python(self, value: Any) -> Decimal:
        text = str(value or "").strip().replace("\u2212", "-")
        if not text:
            return ZERO
        if "," in text and "." not in text:
            text = text.replace(",", ".")
        try:
            return read_decimal(text)
        except NotAccepted:
            raise forms.ValidationError(_("Write a number, such as 0.10.")) from None

    def validate(self, value: Any) -> None:
        if value < self.least or (self.above and value == self.least):
            raise forms.ValidationError(
                _("Must be above %(least)s.") % {"least": self.least}
                if self.above
                else _("Must be at least %(least)s.") % {"least": self.least}
            )
        if self.most is not None and value > self.most:
            raise forms.ValidationError(_("Must be at most %(most)s.") % {"most": self.most})


class OptionalField(ExactField):
    """An exact number, or None when nothing was typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value) if str(value or "").strip() else None

    def validate(self, value: Any) -> None:
        if value is not None:
            super().validate(value)


class SignInForm(forms.Form):
    asks_code = False
    """Whether the page shows the field for the second factor: only to whom the password is right."""

    tenant = forms.SlugField(label=gettext_lazy("Organisation"), max_length=50)
    email = forms.CharField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=255,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    otp_code = forms.CharField(
        label=gettext_lazy("Code from your authenticator"),
        max_length=16,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, asks_tenant: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_tenant:
            del self.fields["tenant"]


class MomentField(forms.DateTimeField):
    """A time on the clocks of the viewer's zone, or None when nothing was typed."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(required=False, widget=widget, **kwargs)


class TicketForm(forms.Form):
    """An order: at once, or waiting for a price. `attempt` makes a double click one order."""

    attempt = forms.CharField(max_length=64, widget=forms.HiddenInput)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind of order"), choices=ORDER_KINDS, initial=TicketKind.MARKET.value, required=False
    )
    price = ExactField(label=gettext_lazy("Price"), required=False)
    expires = MomentField(label=gettext_lazy("Expires"), help_text=gettext_lazy("Empty: it waits until cancelled."))
    volume = ExactField(label=gettext_lazy("Lots"), above=True, most=VOLUME_MOST)
    sl = ExactField(label=gettext_lazy("Stop loss"), required=False)
    tp = ExactField(label=gettext_lazy("Take profit"), required=False)
    side = forms.ChoiceField(choices=[(side, side) for side in Side], widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["kind"] = data.get("kind") or TicketKind.MARKET.value
        if data["kind"] != TicketKind.MARKET and "price" not in self.errors and not data.get("price"):
            self.add_error("price", _("Say which price it waits for."))
        return data


class DialogForm(forms.Form):
    """A form in a dialog. Its fields' ids are its own: the page behind it may have fields of the same names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "dialog_%s", **kwargs})


class PendingForm(DialogForm):
    """What a pending order waits for."""

    price = ExactField(label=gettext_lazy("Price"), above=True)
    sl = ExactField(label=gettext_lazy("Stop loss"), required=False)
    tp = ExactField(label=gettext_lazy("Take profit"), required=False)
    expires = MomentField(label=gettext_lazy("Expires"), help_text=gettext_lazy("Empty: it waits until cancelled."))


class CloseForm(DialogForm):
    attempt = forms.CharField(max_length=64, widget=forms.HiddenInput)
    volume = ExactField(label=gettext_lazy("Lots to close"), above=True, most=VOLUME_MOST)


class PasswordForm(forms.Form):
    current = forms.CharField(
        label=gettext_lazy("Current password"),
        max_length=255,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("New password"),
        help_text=gettext_lazy("At least 8 characters. Your other sessions end."),
        min_length=8,
        max_length=255,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class SecondFactorForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code from your authenticator"),
        help_text=gettext_lazy("The six digits that it shows now."),
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class SettingsForm(forms.Form):
    """How the pages look to this person; only the time zone is stored with the person, the rest with the browser."""

    timezone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)
    theme = forms.ChoiceField(
        label=gettext_lazy("Theme"),
        choices=[
            ("auto", gettext_lazy("As the system")),
            ("light", gettext_lazy("Light")),
            ("dark", gettext_lazy("Dark")),
        ],
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"))

    def __init__(self, *args: Any, languages: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(
            name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))
        )
        zone: Any = self.fields["timezone"]
        zone.choices = [("", _("As the browser")), ("UTC", "UTC"), *((name, name.replace("_", " ")) for name in zones)]
        language: Any = self.fields["language"]
        language.choices = languages
