"""The second factor: six digits that an authenticator derives from a secret and the time (TOTP, RFC 6238).

SHA1, 6 digits, steps of 30 s; a code counts from one step before its own to one after. A code signs in once: the step
of the last used one is kept, and only later steps are accepted.
"""

from datetime import datetime
from hmac import compare_digest
from typing import Final

import pyotp
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.users import attempt_of
from core import clock
from core.errors import conflict, forbidden
from infra.crypto import seal, unseal

STEP_SECONDS: Final = 30
WINDOW: Final = 1
_TABLE: Final = User._meta.db_table


def otp_prepare(*, user_id: int, issuer: str) -> tuple[str, str]:
    """A new secret and its provisioning URI (for a QR code). It is asked for only after `otp_enable`; a secret that was
    prepared before and never switched on is forgotten. 409 `OTP_ALREADY_ENABLED` while the second factor is on."""
    user = _locked(user_id)
    if user.otp_enabled:
        raise conflict("OTP_ALREADY_ENABLED", _("The second factor is on. Switch it off first."))
    secret = pyotp.random_base32()
    user.otp_secret = seal(secret, tenant_id=user.tenant_id, table=_TABLE, row=user.pk)
    user.save(update_fields=["otp_secret"])
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)


def otp_enable(*, user_id: int, code: str, address: str, at: datetime) -> User:
    """Switches the second factor on, with a code of the prepared secret.

    The code only proves that the authenticator has the secret, so it may still sign in once. 403 `INVALID_OTP_CODE`
    (also when nothing was prepared), 409 `OTP_ALREADY_ENABLED`.
    """
    user = _locked(user_id)
    if user.otp_enabled:
        raise conflict("OTP_ALREADY_ENABLED", _("The second factor is on already."))
    _checked_step(user, code, address, at)
    user.otp_enabled, user.otp_last_step = True, 0
    user.save(update_fields=["otp_enabled", "otp_last_step"])
    return user


def otp_disable(*, user_id: int, code: str, address: str, at: datetime) -> User:
    """Switches the second factor off, with a code. 403 `INVALID_OTP_CODE`, 409 `OTP_NOT_ENABLED`."""
    user = _locked(user_id)
    if not user.otp_enabled:
        raise conflict("OTP_NOT_ENABLED", _("The second factor is off."))
    _checked_step(user, code, address, at)
    user.otp_enabled, user.otp_secret, user.otp_last_step = False, "", 0
    user.save(update_fields=["otp_enabled", "otp_secret", "otp_last_step"])
    return user


def otp_check(*, user: User, code: str | None, address: str, at: datetime) -> None:
    """What a sign-in asks after the password; `user` is locked. Nothing when the second factor is off.

    403 `OTP_REQUIRED` without a code, 403 `INVALID_OTP_CODE` (counted as a failed sign-in) for a wrong or used one.
    """
    if not user.otp_enabled:
        return
    if not code:
        raise forbidden("OTP_REQUIRED", _("Enter the code from your authenticator."))
    user.otp_last_step = _checked_step(user, code, address, at)
    user.save(update_fields=["otp_last_step"])


def _locked(user_id: int) -> User:
    user: User = User.objects.select_for_update(no_key=True).get(pk=user_id)
    return user


def _checked_step(user: User, code: str, address: str, at: datetime) -> int:
    """The step that `code` belongs to; a wrong code counts as a failed sign-in, 429 when there were too many."""
    attempt = attempt_of(user.email, address)
    step = _step_of(user, code.replace(" ", ""), at) if user.otp_secret else None
    if step is None:
        attempt.failed()
        raise forbidden("INVALID_OTP_CODE", _("The code is not right, or it was used already."))
    return step


def _step_of(user: User, code: str, at: datetime) -> int | None:
    totp = pyotp.TOTP(unseal(user.otp_secret, tenant_id=user.tenant_id, table=_TABLE, row=user.pk))
    present = clock.unix(at) // STEP_SECONDS
    steps = range(present - WINDOW, present + WINDOW + 1)
    right = [step for step in steps if compare_digest(totp.generate_otp(step).encode(), code.encode())]
    return next((step for step in right if step > user.otp_last_step), None)
