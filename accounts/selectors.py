"""The reads of this app. Those for request code take the actor and never give what it may not see."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts.models import AccountGroup, ApiSession, ProductConfig, Role, Tenant, TradingAccount, User
from accounts.tokens import Claims, token_decode
from core.errors import DomainError, Kind, forbidden, invalid, not_found
from infra.actor import Actor
from infra.tenancy import current_tenant, tenant_scope

# --- Sessions


def actor_for_token(token: str, at: datetime) -> Actor | None:
    """The bearer of a token, None when it is not, or no longer, valid. Opens the token's tenant itself; one query.

    For entrances without a tenant yet, such as a socket.
    """
    claims = token_decode(token, at)
    if claims is None:
        return None
    with tenant_scope(claims.tenant_id):
        return actor_for_claims(claims, at)


def actor_for_claims(claims: Claims, at: datetime) -> Actor | None:
    """As `actor_for_token`, inside the scope of the claims' tenant.

    The stored session decides what its bearer is; person and account must be enabled at this moment.
    """
    row = (
        ApiSession.objects.filter(
            Q(account=None) | Q(account__enabled=True),
            pk=claims.session_id,
            revoked_at=None,
            expires_at__gt=at,
            user__enabled=True,
        )
        .values_list("session_type", "user_id", "user__owner", "account_id", "account__login")
        .first()
    )
    if row is None:
        return None
    session_type, user_id, owner, account_id, login = row
    if (session_type, user_id, login) != (claims.session_type, claims.user_id, claims.login):
        return None
    return Actor(
        session_type=session_type,
        user_id=user_id,
        tenant_id=claims.tenant_id,
        account_id=account_id,
        login=login,
        owner=owner,
        session_id=str(claims.session_id),
    )


# --- People


def own_user(actor: Actor) -> User:
    """The person behind the session."""
    return User.objects.get(pk=actor.user_id)


def user_by_email(email: str) -> User | None:
    """The person who has this address in the current tenant; `email` as `email_normalised` gives it."""
    return User.objects.alias(address=Lower("email")).filter(address=email).first()


def customers(actor: Actor) -> QuerySet[User]:
    """The tenant's customers, for staff."""
    _staff_only(actor)
    return User.objects.filter(role=Role.CUSTOMER)


def customer_by_id(actor: Actor, customer_id: int) -> User:
    """One customer, for staff; 404 for an unknown id and for another tenant's."""
    user = customers(actor).filter(pk=customer_id).first()
    if user is None:
        raise not_found(_("There is no such customer."))
    return user


def customer_named(customer_id: int) -> User:
    """A customer named by id in a body of staff; 400 when the tenant has none of that id."""
    user = User.objects.filter(pk=customer_id, role=Role.CUSTOMER).first()
    if user is None:
        raise invalid("customer_id", _("there is no such customer"))
    return user


def staff(actor: Actor) -> QuerySet[User]:
    """The tenant's staff, for staff."""
    _staff_only(actor)
    return User.objects.exclude(role=Role.CUSTOMER)


def staff_to_change(actor: Actor, user_id: int) -> User:
    """A member of staff whom the actor may change: 404 for an unknown id, 403 for an owner unless the actor is one, and
    403 for the actor itself, so that nobody locks out the last administrator by mistake."""
    user = staff(actor).filter(pk=user_id).first()
    if user is None:
        raise not_found(_("There is no such member of staff."))
    if user.owner and not actor.owner:
        raise forbidden("PERMISSION_DENIED", _("Only an owner may change an owner."))
    if user.pk == actor.user_id:
        raise forbidden("PERMISSION_DENIED", _("Nobody may change their own record here."))
    return user


def product_config() -> ProductConfig:
    """What the current tenant has switched on."""
    return ProductConfig.objects.get()


def own_tenant() -> Tenant:
    """The current tenant."""
    return Tenant.objects.get(pk=current_tenant() or 0)


# --- Accounts and groups


def accounts(actor: Actor) -> QuerySet[TradingAccount]:
    """The accounts that a session may see: a customer's own, a single account's itself, for staff all of the tenant.

    With `group` and `customer` loaded.
    """
    found = TradingAccount.objects.select_related("group", "customer")
    if actor.is_staff:
        return found
    if actor.account_id is not None:
        return found.filter(pk=actor.account_id)
    return found.filter(customer_id=actor.user_id)


def account_by_login(actor: Actor, login: int) -> TradingAccount:
    """An account named by its login in the path, for staff; 404 for an unknown one and for another tenant's."""
    _staff_only(actor)
    account = accounts(actor).filter(login=login).first()
    if account is None:
        raise not_found(_("There is no such account."))
    return account


def account_named(actor: Actor, login: int, *, foreign_code: str = "INVALID_ACCOUNT") -> TradingAccount:
    """An account named by its login in a body: 400 `ACCOUNT_NOT_FOUND` when the tenant has none of that login, 403
    `foreign_code` when it is not the actor's."""
    account = TradingAccount.objects.select_related("group", "customer").filter(login=login).first()
    if account is None:
        raise DomainError(Kind.INVALID, "ACCOUNT_NOT_FOUND", _("There is no account with this login."))
    allowed = actor.is_staff or account.pk == actor.account_id
    if not allowed and not (actor.is_customer and account.customer_id == actor.user_id):
        raise forbidden(foreign_code, _("This account is not yours."))
    return account


def account_groups(actor: Actor) -> QuerySet[AccountGroup]:
    """All groups for staff; for others those in which they may open an account."""
    if actor.is_staff:
        return AccountGroup.objects.all()
    return AccountGroup.objects.filter(public_opening=True, enabled=True)


def account_group_named(name: str) -> AccountGroup:
    """A group named in a body; 400 when the tenant has none of that name."""
    group = AccountGroup.objects.filter(name=name).first()
    if group is None:
        raise invalid("group", _("there is no account group of this name"))
    return group


def _staff_only(actor: Actor) -> None:
    if not actor.is_staff:
        raise forbidden("PERMISSION_DENIED", _("This is for staff."))
