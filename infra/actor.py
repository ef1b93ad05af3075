"""Who is asking: what a valid session says about its bearer, as a plain value.

The middleware puts it on `request.actor` (None without a valid session); selectors and services take it as an argument.
"""

from dataclasses import dataclass
from enum import StrEnum


class SessionType(StrEnum):
    ACCOUNT = "SESSION_USER"
    CUSTOMER = "SESSION_CUSTOMER"
    MANAGER = "SESSION_MANAGER"
    DEALER = "SESSION_DEALER"
    ADMIN = "SESSION_ADMIN"
    CRM_MANAGER = "SESSION_CRM_MANAGER"
    CRM_ADMIN = "SESSION_CRM_ADMIN"


CUSTOMER_SESSIONS: frozenset[str] = frozenset({SessionType.CUSTOMER})
ACCOUNT_SESSIONS: frozenset[str] = frozenset({SessionType.ACCOUNT})
STAFF_SESSIONS: frozenset[str] = frozenset(
    {SessionType.MANAGER, SessionType.DEALER, SessionType.ADMIN, SessionType.CRM_MANAGER, SessionType.CRM_ADMIN}
)
DEALING_SESSIONS: frozenset[str] = frozenset({SessionType.MANAGER, SessionType.DEALER, SessionType.ADMIN})
"""Staff that may trade for accounts."""
MANAGING_SESSIONS: frozenset[str] = frozenset({SessionType.MANAGER, SessionType.ADMIN})
"""Staff that may change customers, accounts and statuses."""
ADMIN_SESSIONS: frozenset[str] = frozenset({SessionType.ADMIN})
ALL_SESSIONS: frozenset[str] = frozenset(SessionType)


@dataclass(frozen=True, slots=True)
class Actor:
    """The bearer of one valid session.

    `account_id` and `login` are set for account sessions only. `owner` marks an administrator who is an owner of the
    tenant. `session_id` names the session itself; rates are counted by it.
    """

    session_type: str
    user_id: int
    tenant_id: int
    account_id: int | None = None
    login: int | None = None
    owner: bool = False
    session_id: str = ""

    @property
    def is_customer(self) -> bool:
        return self.session_type in CUSTOMER_SESSIONS

    @property
    def is_account(self) -> bool:
        return self.session_type in ACCOUNT_SESSIONS

    @property
    def is_staff(self) -> bool:
        return self.session_type in STAFF_SESSIONS
