"""Signing in: who it is, and that it is them. An unknown name takes as long to refuse as a wrong password."""

from datetime import datetime
from functools import cache

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext as _

from accounts.lockout import Attempt
from accounts.models import TradingAccount, User
from accounts.selectors import user_by_email
from accounts.services.second_factor import otp_check
from accounts.services.sessions import IssuedSession, session_open
from accounts.services.users import attempt_of, email_normalised
from core.errors import forbidden
from infra.tenancy import current_tenant


def customer_sign_in(
    *, email: str, password: str, address: str, at: datetime, otp_code: str | None = None
) -> IssuedSession:
    """A customer of the current tenant. Without a tenant (its name was unknown) nobody is found.

    403 `CUSTOMER_NOT_FOUND_OR_INCORRECT`, and only with the right password 403 `CUSTOMER_DISABLED`, `OTP_REQUIRED` or
    `INVALID_OTP_CODE`; 429.
    """
    wrong = forbidden("CUSTOMER_NOT_FOUND_OR_INCORRECT", _("The e-mail address or the password is not right."))
    attempt = attempt_of(email, address)
    user = _by_email(email, staff=False)
    if not _is_right(user, password) or user is None:
        attempt.failed()
        raise wrong
    if not user.enabled:
        raise forbidden("CUSTOMER_DISABLED", _("This customer has been disabled."))
    held = _unchanged(user)
    if held is None:
        raise wrong
    otp_check(user=held, code=otp_code, address=address, at=at)
    attempt.succeeded()
    return session_open(user=user, at=at)


def staff_sign_in(
    *, email: str, password: str, address: str, at: datetime, otp_code: str | None = None
) -> IssuedSession:
    """A member of the current tenant's staff. 403 `USER_NOT_FOUND_OR_INCORRECT`, also for a disabled one; with the
    right password 403 `OTP_REQUIRED` or `INVALID_OTP_CODE`; 429."""
    attempt = attempt_of(email, address)
    user = _by_email(email, staff=True)
    wrong = forbidden("USER_NOT_FOUND_OR_INCORRECT", _("The e-mail address or the password is not right."))
    if not _is_right(user, password) or user is None or not user.enabled:
        attempt.failed()
        raise wrong
    held = _unchanged(user)
    if held is None:
        raise wrong
    otp_check(user=held, code=otp_code, address=address, at=at)
    attempt.succeeded()
    return session_open(user=user, at=at)


def account_sign_in(*, login: int, password: str, address: str, at: datetime) -> tuple[TradingAccount, str]:
    """One trading account with its own password: the account, with `group` and `customer` loaded, and the token.

    403 `USER_NOT_FOUND_OR_INCORRECT`, also for a disabled account or customer; 429.
    """
    attempt = Attempt(f"login:{login}", address)
    attempt.check()
    account = None
    if current_tenant() is not None:
        account = TradingAccount.objects.select_related("group", "customer").filter(login=login).first()
    if not _is_right(account, password) or account is None or not (account.enabled and account.customer.enabled):
        attempt.failed()
        raise forbidden("USER_NOT_FOUND_OR_INCORRECT", _("The login or the password is not right."))
    attempt.succeeded()
    return account, session_open(user=account.customer, account=account, at=at).token


def _by_email(email: str, *, staff: bool) -> User | None:
    if current_tenant() is None:
        return None
    user = user_by_email(email_normalised(email))
    return user if user is not None and user.is_staff == staff else None


def _is_right(who: User | TradingAccount | None, password: str) -> bool:
    """Whether `password` is theirs. One comparison in any case, so that time does not tell whether there is anybody."""
    nobody = _nobody()
    return check_password(password, nobody if who is None else who.password) and who is not None


def _unchanged(user: User) -> User | None:
    """The person, unless somebody disabled them or changed the password while it was compared. Held until the commit,
    so that a change made from now on sees, and ends, the session that is about to be opened."""
    alike = User.objects.select_for_update(no_key=True).filter(pk=user.pk, password=user.password, enabled=True)
    return alike.first()


@cache
def _nobody() -> str:
    return make_password("nobody has this password")
