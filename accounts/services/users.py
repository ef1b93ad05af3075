"""Customers and staff."""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from accounts.lockout import Attempt
from accounts.models import Role, User
from accounts.selectors import user_by_email
from accounts.services.common import duplicate, tenant_id, unique_or_conflict
from accounts.services.sessions import sessions_revoke_for_user
from core.errors import forbidden, invalid
from infra.tenancy import current_tenant

PASSWORD_SHORTEST = 8
PASSWORD_LONGEST = 255
EMAIL_LONGEST = 254


def email_normalised(email: str) -> str:
    """The form in which addresses are stored and compared: case and surrounding white space do not matter."""
    return email.strip().lower()


def attempt_of(email: str, address: str) -> Attempt:
    """The counter of failures for an address of the current tenant; 429 when they are used up."""
    attempt = Attempt(f"email:{current_tenant() or 0}:{email_normalised(email)}", address)
    attempt.check()
    return attempt


def checked_password(password: str) -> str:
    """`password`, when its length is allowed."""
    if not PASSWORD_SHORTEST <= len(password) <= PASSWORD_LONGEST:
        message = _("must have %(least)s to %(most)s characters")
        raise invalid("password", message % {"least": PASSWORD_SHORTEST, "most": PASSWORD_LONGEST})
    return password


def user_create(
    *,
    email: str,
    password: str,
    at: datetime,
    full_name: str = "",
    role: str = Role.CUSTOMER,
    owner: bool = False,
) -> User:
    """A new customer or member of staff; `owner` only for administrators. 409 for an address the tenant has already."""
    address = email_normalised(email)
    try:
        validate_email(address)
    except ValidationError as error:
        raise invalid("email", _("is not an e-mail address")) from error
    if len(address) > EMAIL_LONGEST:
        raise invalid("email", _("is too long"))
    if role not in Role.values:
        raise invalid("role", _("is not a role"))
    if owner and role != Role.ADMIN:
        raise invalid("owner", _("is for administrators only"))
    checked_password(password)
    user = User(
        tenant_id=tenant_id(), email=address, full_name=_full_name(full_name), role=role, owner=owner, created_at=at
    )
    # Asked first, because hashing a password takes long; the constraint decides between simultaneous requests.
    taken = _("This e-mail address is in use already.")
    if user_by_email(address) is not None:
        raise duplicate(taken)
    user.set_password(password)
    with unique_or_conflict(taken):
        user.save(force_insert=True)
    return user


def user_update(
    *,
    user_id: int,
    at: datetime,
    enabled: bool | None = None,
    full_name: str | None = None,
    password: str | None = None,
) -> User:
    """Changes what is not None. Disabling, or a new password, ends all sessions of the person at once."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if full_name is not None:
        user.full_name = _full_name(full_name)
    if password is not None:
        user.set_password(checked_password(password))
    if enabled is not None:
        user.enabled = enabled
    user.save(update_fields=["full_name", "password", "enabled"])
    if password is not None or enabled is False:
        sessions_revoke_for_user(user_id=user.id, at=at)
    return user


def password_change(
    *, user_id: int, current: str, new: str, session_id: UUID | str, address: str, at: datetime
) -> None:
    """A person's own change: all sessions but `session_id` end.

    403 `INVALID_PASSWORD` when `current` is not right, which counts as a failed sign-in from `address`.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    attempt = attempt_of(user.email, address)
    if not user.check_password(current):
        attempt.failed()
        raise forbidden("INVALID_PASSWORD", _("The current password is not right."))
    attempt.succeeded()
    user.set_password(checked_password(new))
    user.save(update_fields=["password"])
    sessions_revoke_for_user(user_id=user.id, at=at, but=[session_id])


def _full_name(text: str) -> str:
    if len(text) > 255:
        raise invalid("full_name", _("must have at most %(most)s characters") % {"most": 255})
    return text.strip()
