"""Sessions: opened at sign-in, ended by revoking their row."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import ApiSession, Role, TradingAccount, User
from accounts.services.common import tenant_id
from accounts.tokens import Claims, token_encode
from core import clock
from infra.actor import SessionType
from infra.push import publish_on_commit, session_ended

SESSION_TYPE_OF_ROLE: dict[str, SessionType] = {
    Role.CUSTOMER: SessionType.CUSTOMER,
    Role.MANAGER: SessionType.MANAGER,
    Role.DEALER: SessionType.DEALER,
    Role.ADMIN: SessionType.ADMIN,
    Role.CRM_MANAGER: SessionType.CRM_MANAGER,
    Role.CRM_ADMIN: SessionType.CRM_ADMIN,
}


@dataclass(frozen=True, slots=True)
class IssuedSession:
    """A session that was just opened, and the token that names it."""

    session: ApiSession
    token: str


def session_open(*, user: User, at: datetime, account: TradingAccount | None = None) -> IssuedSession:
    """Opens a session of `user`, or with `account` one of that trading account alone, which `user` owns."""
    kind = SessionType.ACCOUNT if account is not None else SESSION_TYPE_OF_ROLE[user.role]
    # Whole seconds, so that the row and the token end at the same instant.
    expires_at = clock.from_unix(clock.unix(at)) + timedelta(hours=settings.SESSION_TOKEN_HOURS)
    session = ApiSession.objects.create(
        id=uuid4(),
        tenant_id=tenant_id(),
        user=user,
        account=account,
        session_type=kind,
        created_at=at,
        expires_at=expires_at,
    )
    claims = Claims(
        session_id=session.id,
        session_type=kind,
        user_id=user.id,
        tenant_id=session.tenant_id,
        login=None if account is None else account.login,
        expires_at=expires_at,
    )
    return IssuedSession(session, token_encode(claims))


def session_revoke(*, session_id: UUID | str, at: datetime) -> None:
    """Ends one session; its token is refused from the commit on."""
    _revoke(ApiSession.objects.filter(pk=session_id), at)


def sessions_revoke_for_user(*, user_id: int, at: datetime, but: Collection[UUID | str] = ()) -> int:
    """Ends all sessions of a person, those of single trading accounts included, except `but`. Gives their number."""
    return _revoke(ApiSession.objects.filter(user_id=user_id).exclude(pk__in=but), at)


def sessions_revoke_for_account(*, account_id: int, at: datetime) -> int:
    """Ends all sessions of one trading account. Gives their number."""
    return _revoke(ApiSession.objects.filter(account_id=account_id), at)


def _revoke(sessions: QuerySet[ApiSession], at: datetime) -> int:
    ended = list(sessions.filter(revoked_at=None, expires_at__gt=at).values_list("pk", flat=True))
    ApiSession.objects.filter(pk__in=ended).update(revoked_at=at)
    publish_on_commit(session_ended(tenant_id(), session_id) for session_id in ended)
    return len(ended)
