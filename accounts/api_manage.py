"""What staff do with people, groups and accounts: their part of section 5 of the contract.

Opening accounts and moving balances needs trading, so those two stand in `trading.api_manage`.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api_shapes as shapes
from accounts import selectors, services
from accounts.api import account_summary, customer_profile, group_record, status_of
from accounts.models import AccountGroup, CopyMeasure, MasterApproval, ProductConfig, Role, TradingAccount, User
from accounts.services.common import LEVERAGE_MAX
from accounts.services.groups import LEVEL_MAX, NAME_LONGEST
from accounts.services.sessions import SESSION_TYPE_OF_ROLE
from accounts.services.users import EMAIL_LONGEST, PASSWORD_LONGEST, PASSWORD_SHORTEST
from core.clock import unix
from core.states import AccountMode, PositionMode
from infra.actor import ADMIN_SESSIONS, MANAGING_SESSIONS, STAFF_SESSIONS
from infra.api.fields import (
    Body,
    CleanTextField,
    ClockTimeField,
    FlagField,
    TextChoiceField,
    WholeNumberField,
    WireDecimalField,
    refuse_changes,
)
from infra.api.schema import describe
from infra.api.tables import DECIMAL, FLAG, TEXT, TIME, WHOLE, Column, Table
from infra.api.views import ApiView

MOST_COUNTED = 2**31 - 1
_ROLE_OF_SESSION = {kind.value: role for role, kind in SESSION_TYPE_OF_ROLE.items() if role != Role.CUSTOMER}


class ProductSettings(Body):
    """What `ProductConfig` holds, by its names; amounts and numbers of 0 are not set."""

    copy_trading = FlagField(required=False)
    bot_trading = FlagField(required=False)
    copy_default_max_positions = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    copy_default_min_equity = WireDecimalField(min_value=0, required=False)
    copy_default_slippage_tolerance = WireDecimalField(min_value=0, required=False)
    copy_default_max_loss = WireDecimalField(min_value=0, required=False)
    copy_default_max_loss_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    copy_default_max_drawdown_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    copy_bound_max_positions = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    copy_bound_min_equity = WireDecimalField(min_value=0, required=False)
    copy_bound_slippage_tolerance = WireDecimalField(min_value=0, required=False)
    copy_bound_max_loss = WireDecimalField(min_value=0, required=False)
    copy_bound_max_loss_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    copy_bound_max_drawdown_percent = WireDecimalField(min_value=0, max_value=100, required=False)
    master_approval = TextChoiceField(
        MasterApproval, required=False, help_text="AUTO: new masters are active at once; MANUAL: staff decide."
    )
    master_min_account_days = WholeNumberField(
        required=False, min_value=0, max_value=MOST_COUNTED, help_text="The age a master's account needs; 0: any."
    )
    master_min_closed_trades = WholeNumberField(required=False, min_value=0, max_value=MOST_COUNTED)
    master_min_equity = WireDecimalField(required=False, min_value=0, help_text="In the account's own currency.")
    overleverage_threshold = WireDecimalField(
        required=False, positive=True, help_text="A follower's exposure / equity that is critical; 80 % of it warns."
    )
    copy_failed_exit_action = TextChoiceField(
        (CopyMeasure.ALERT, CopyMeasure.FLATTEN), required=False, help_text="When an exit is given up after seven days."
    )
    copy_out_of_sync_action = TextChoiceField(
        CopyMeasure, required=False, help_text="When copies disagree with their leader for too long."
    )
    copy_out_of_sync_seconds = WholeNumberField(min_value=0, max_value=MOST_COUNTED, required=False)
    reward_share_percent = WireDecimalField(
        min_value=0, max_value=90, required=False, help_text="The tenant's part of every reward, per cent."
    )


class TenantSettings(ProductSettings):
    """The same, and when trading days end."""

    timezone = CleanTextField(required=False, min_length=1, max_length=64, help_text="A name of the IANA database.")
    day_end = ClockTimeField(required=False, help_text="When trading days end, as `17:00` on the clocks of `timezone`.")


class NewCustomer(Body):
    email = CleanTextField(min_length=1, max_length=EMAIL_LONGEST, trim=True)
    password = CleanTextField(min_length=PASSWORD_SHORTEST, max_length=PASSWORD_LONGEST)
    full_name = CleanTextField(default="", trim=True)


class CustomerChange(Body):
    enabled = FlagField(required=False)
    full_name = CleanTextField(required=False, trim=True)
    password = CleanTextField(required=False, min_length=PASSWORD_SHORTEST, max_length=PASSWORD_LONGEST)


class NewStaff(NewCustomer):
    session_type = TextChoiceField(sorted(_ROLE_OF_SESSION))


class StaffChange(Body):
    enabled = FlagField(required=False)


class NewGroup(Body):
    name = CleanTextField(min_length=1, max_length=NAME_LONGEST, trim=True)
    account_mode = TextChoiceField(AccountMode)
    currency = CleanTextField(default="USD", max_length=8)
    leverage = WholeNumberField(default=100, min_value=1, max_value=LEVERAGE_MAX)
    position_mode = TextChoiceField(PositionMode, default=PositionMode.HEDGING)
    margin_call = WireDecimalField(default=100, min_value=0, max_value=LEVEL_MAX)
    stop_out = WireDecimalField(default=50, min_value=0, max_value=LEVEL_MAX)
    commission_per_lot = WireDecimalField(default=0, min_value=0)
    public_opening = FlagField(default=False)


class AccountChange(Body):
    enabled = FlagField(required=False)
    group = CleanTextField(required=False, min_length=1, max_length=NAME_LONGEST)
    leverage = WholeNumberField(required=False, min_value=1, max_value=LEVERAGE_MAX)


class StaffView(ApiView):
    """Every member of staff reads; writes are for those who manage customers, unless a view is stricter."""

    customer_address = False
    session_types = STAFF_SESSIONS
    write_session_types = MANAGING_SESSIONS


class AdminView(StaffView):
    """Every member of staff reads, administrators write."""

    write_session_types = ADMIN_SESSIONS


class ProductConfigs(AdminView):
    @describe("What the tenant has switched on and set", answer=shapes.PRODUCTS)
    def get(self, request: Request) -> Response:
        return Response(_settings_record(selectors.product_config(), self.at))

    @describe(
        "Switch modules on or off, and change their settings",
        body=TenantSettings,
        partial=True,
        sent={"bot_trading": 0, "copy_bound_max_positions": 20},
        answer=shapes.PRODUCTS,
    )
    def put(self, request: Request) -> Response:
        """`copy_default_*` is what new subscriptions begin with, `copy_bound_*` what no subscription is looser than,
        `master_*` who becomes a master and how. A new `timezone` or `day_end` holds from the end of the trading day that is
        running, `day_ends_time`."""
        values = self.body(TenantSettings, partial=True)
        return Response(_settings_record(services.tenant_settings_update(**values, at=self.at), self.at))


_STAFF = Table(
    User,
    {
        "id": Column("id", WHOLE),
        "email": Column("email", TEXT),
        "full_name": Column("full_name", TEXT),
        "session_type": Column(
            "role",
            TEXT,
            to_wire=lambda role: SESSION_TYPE_OF_ROLE[role].value,
            from_wire=lambda kind: _ROLE_OF_SESSION.get(kind, kind),
        ),
        "owner": Column("owner", FLAG),
        "enabled": Column("enabled", FLAG),
        "created_time": Column("created_at", TIME),
    },
    order=[("created_time", "desc")],
)

_CUSTOMERS = Table(
    User,
    {
        "id": Column("id", WHOLE),
        "email": Column("email", TEXT),
        "full_name": Column("full_name", TEXT),
        "enabled": Column("enabled", FLAG),
        "created_time": Column("created_at", TIME),
    },
    order=[("created_time", "desc")],
    aliases={"customer_id": "id"},
)

_GROUPS = Table(
    AccountGroup,
    {
        "id": Column("id", WHOLE),
        "name": Column("name", TEXT),
        "account_mode": Column("account_mode", TEXT),
        "currency": Column("currency", TEXT),
        "leverage": Column("leverage", WHOLE),
        "position_mode": Column("position_mode", TEXT),
        "margin_call": Column("margin_call", DECIMAL),
        "stop_out": Column("stop_out", DECIMAL),
        "commission_per_lot": Column("commission_per_lot", DECIMAL),
        "public_opening": Column("public_opening", FLAG),
        "enabled": Column("enabled", FLAG),
    },
    order=[("id", "desc")],
)

_ACCOUNTS = Table(
    TradingAccount,
    {
        "login": Column("login", WHOLE),
        "customer_id": Column("customer_id", WHOLE),
        "email": Column("customer__email", TEXT),
        "name": Column("customer__full_name", TEXT),
        "group": Column("group__name", TEXT),
        "account_mode": Column("group__account_mode", TEXT),
        "position_mode": Column("group__position_mode", TEXT),
        "currency": Column("currency", TEXT),
        "leverage": Column("leverage", WHOLE),
        "balance": Column("balance", DECIMAL),
        "credit": Column("credit", DECIMAL),
        "enabled": Column("enabled", FLAG),
        "copy_role": Column("copy_role", TEXT),
        "created_time": Column("opened_at", TIME),
    },
    order=[("created_time", "desc")],
)


class Staff(AdminView):
    @describe("The tenant's staff", query=_STAFF.parameters(), answer=_STAFF.shape())
    def get(self, request: Request) -> HttpResponse:
        return _STAFF.answer(_STAFF.asked(self.payload), selectors.staff(self.actor))

    @describe(
        "Add a member of staff",
        body=NewStaff,
        sent={"email": "desk@example.com", "password": "correct horse", "session_type": "SESSION_DEALER"},
        answer=shapes.STAFF_MEMBER,
        errors={409: ("RET_DUPLICATE_RECORD",)},
    )
    def post(self, request: Request) -> Response:
        values = self.body(NewStaff)
        role = _ROLE_OF_SESSION[values.pop("session_type")]
        return Response(_staff_record(services.user_create(**values, role=role, at=self.at)))


class StaffMember(AdminView):
    @describe(
        "Enable or disable a member of staff",
        body=StaffChange,
        partial=True,
        sent={"enabled": 0},
        answer=shapes.STAFF_MEMBER,
    )
    def put(self, request: Request, user_id: str) -> Response:
        values = self.body(StaffChange, partial=True)
        user = selectors.staff_to_change(self.actor, int(user_id))
        refuse_changes(self.payload, id=user.id, created_time=unix(user.created_at))
        return Response(_staff_record(services.user_update(user_id=user.id, **values, at=self.at)))


class Customers(StaffView):
    @describe("The tenant's customers", query=_CUSTOMERS.parameters(), answer=_CUSTOMERS.shape())
    def get(self, request: Request) -> HttpResponse:
        return _CUSTOMERS.answer(_CUSTOMERS.asked(self.payload), selectors.customers(self.actor))

    @describe(
        "Add a customer",
        body=NewCustomer,
        sent={"email": "anna@example.com", "password": "correct horse", "full_name": "Anna Example"},
        answer=shapes.CUSTOMER,
        errors={409: ("RET_DUPLICATE_RECORD",)},
    )
    def post(self, request: Request) -> Response:
        return Response(_customer_record(services.user_create(**self.body(NewCustomer), at=self.at)))


class Customer(StaffView):
    @describe("One customer", answer=shapes.CUSTOMER)
    def get(self, request: Request, user_id: str) -> Response:
        return Response(_customer_record(selectors.customer_by_id(self.actor, int(user_id))))

    @describe(
        "Change a customer; disabling ends all sessions",
        body=CustomerChange,
        partial=True,
        sent={"enabled": 0},
        answer=shapes.CUSTOMER,
    )
    def put(self, request: Request, user_id: str) -> Response:
        values = self.body(CustomerChange, partial=True)
        user = selectors.customer_by_id(self.actor, int(user_id))
        created = unix(user.created_at)
        refuse_changes(self.payload, id=user.id, customer_id=user.id, email=user.email, created_time=created)
        return Response(_customer_record(services.user_update(user_id=user.id, **values, at=self.at)))


class AccountGroups(AdminView):
    @describe("The tenant's account groups", query=_GROUPS.parameters(), answer=_GROUPS.shape())
    def get(self, request: Request) -> HttpResponse:
        return _GROUPS.answer(_GROUPS.asked(self.payload), selectors.account_groups(self.actor))

    @describe(
        "Add an account group",
        body=NewGroup,
        sent={"name": "Real USD", "account_mode": "REAL", "commission_per_lot": "3.5", "public_opening": 1},
        answer=shapes.GROUP,
        errors={409: ("RET_DUPLICATE_RECORD",)},
    )
    def post(self, request: Request) -> Response:
        return Response(group_record(services.account_group_create(**self.body(NewGroup))))


class AccountList(StaffView):
    """The reading half of `/manage/accounts`; `trading.api_manage` adds the opening of accounts."""

    @describe("The tenant's trading accounts", query=_ACCOUNTS.parameters(), answer=_ACCOUNTS.shape())
    def get(self, request: Request) -> HttpResponse:
        found: QuerySet[TradingAccount] = selectors.accounts(self.actor)
        return _ACCOUNTS.answer(_ACCOUNTS.asked(self.payload), found)


class Account(StaffView):
    @describe(
        "Change a trading account; disabling ends its own sessions",
        body=AccountChange,
        partial=True,
        sent={"leverage": 50},
        answer=shapes.ACCOUNT,
        errors={403: ("GROUP_DISABLED",)},
    )
    def put(self, request: Request, login: str) -> Response:
        values = self.body(AccountChange, partial=True)
        account = selectors.account_by_login(self.actor, int(login))
        refuse_changes(self.payload, id=account.id, login=account.login, created_time=unix(account.opened_at))
        if "group" in values:
            values["group"] = selectors.account_group_named(values["group"])
        return Response(account_record(services.account_update(account_id=account.id, **values, at=self.at)))


# --- Forms on the wire


def account_record(account: TradingAccount) -> dict[str, Any]:
    """An account as staff see it (needs `group` and `customer` loaded)."""
    return {
        **account_summary(account),
        "enabled": int(account.enabled),
        "customer_id": account.customer_id,
        "email": account.customer.email,
        "position_mode": account.group.position_mode,
        "balance": account.balance,
        "credit": account.credit,
        "copy_role": account.copy_role,
        "created_time": unix(account.opened_at),
    }


def _settings_record(config: ProductConfig, at: datetime) -> dict[str, Any]:
    tenant = selectors.own_tenant()
    values = {str(name): getattr(config, str(name)) for name in ProductSettings().fields}
    return {
        **{name: int(value) if isinstance(value, bool) else value for name, value in values.items()},
        "timezone": tenant.timezone,
        "day_end": tenant.day_end.isoformat("minutes"),
        "day_ends_time": unix(tenant.days.end_of(tenant.days.day_of(at))),
    }


def _customer_record(user: User) -> dict[str, Any]:
    return {"id": user.id, **customer_profile(user), "enabled": int(user.enabled)}


def _staff_record(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "full_name": user.full_name,
        "session_type": SESSION_TYPE_OF_ROLE[user.role].value,
        "owner": int(user.owner),
        "enabled": int(user.enabled),
        "status": status_of(user),
        "created_time": unix(user.created_at),
    }
