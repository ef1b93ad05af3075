"""Signing in, the session, and what a customer does with accounts: section 2 of the contract."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import api_shapes as shapes
from accounts import selectors, services
from accounts.middleware import COOKIE
from accounts.models import AccountGroup, TradingAccount, User
from accounts.services.users import PASSWORD_LONGEST, PASSWORD_SHORTEST
from core.clock import unix
from infra.actor import STAFF_SESSIONS
from infra.api.fields import Body, CleanTextField, IdField
from infra.api.schema import describe
from infra.api.shapes import Shape, many, record
from infra.api.views import ApiView


class EmailSignIn(Body):
    email = CleanTextField(min_length=1, max_length=254, trim=True)
    password = CleanTextField(min_length=1, max_length=PASSWORD_LONGEST)
    otp_code = CleanTextField(required=False)
    tenant = CleanTextField(required=False)


class AccountSignIn(Body):
    login = IdField()
    password = CleanTextField(min_length=1, max_length=PASSWORD_LONGEST)


class PasswordChange(Body):
    password = CleanTextField(min_length=1, max_length=PASSWORD_LONGEST, help_text="The current one.")
    new_password = CleanTextField(min_length=PASSWORD_SHORTEST, max_length=PASSWORD_LONGEST)


class OtpCode(Body):
    otp_code = CleanTextField(min_length=1, max_length=16, help_text="The six digits that the authenticator shows.")


class Opening(Body):
    group = CleanTextField(min_length=1, max_length=100, help_text="The name of an account group.")


class CustomerLogin(ApiView):
    session_types = None

    @describe(
        "Sign in as a customer",
        body=EmailSignIn,
        sent={"email": "anna@example.com", "password": "correct horse", "otp_code": "123456"},
        answer=shapes.SIGNED_IN,
        errors={403: ("CUSTOMER_NOT_FOUND_OR_INCORRECT", "CUSTOMER_DISABLED", "OTP_REQUIRED", "INVALID_OTP_CODE")},
        description="`otp_code` once the second factor is on; `tenant` where the Host names none. Ten failures in 15"
        " minutes lock the person out (429), also with the right password.",
    )
    def post(self, request: Request) -> Response:
        values = self.body(EmailSignIn)
        issued = services.customer_sign_in(
            email=values["email"],
            password=values["password"],
            otp_code=values.get("otp_code"),
            address=address_of(self._http),
            at=self.at,
        )
        return Response({**customer_profile(issued.session.user), "__token": issued.token})


class CustomerLogout(ApiView):
    @describe("End this session", answer=record(logged_out=Shape({"const": True}, True)))
    def post(self, request: Request) -> Response:
        services.session_revoke(session_id=self.actor.session_id, at=self.at)
        response = Response({"logged_out": True})
        if getattr(self._http, "token_in_cookie", False):
            response.delete_cookie(COOKIE, samesite="Lax")
        return response


class CustomerPassword(ApiView):
    @describe(
        "Change the password; all other sessions end",
        body=PasswordChange,
        sent={"password": "correct horse", "new_password": "battery staple"},
        answer=shapes.PROFILE,
        errors={403: ("INVALID_PASSWORD",)},
    )
    def post(self, request: Request) -> Response:
        values = self.body(PasswordChange)
        services.password_change(
            user_id=self.actor.user_id,
            current=values["password"],
            new=values["new_password"],
            session_id=self.actor.session_id,
            address=address_of(self._http),
            at=self.at,
        )
        return Response(customer_profile(selectors.own_user(self.actor)))


class CustomerOtp(ApiView):
    """The second factor of the person behind this session: TOTP with SHA1, 6 digits, 30 s, one step of tolerance.

    A code is taken once. Switching it off, or over to another authenticator, needs a code.
    """

    @describe(
        "A new secret for an authenticator, not yet active",
        answer=shapes.OTP_SECRET,
        errors={409: ("OTP_ALREADY_ENABLED",)},
    )
    def get(self, request: Request) -> Response:
        secret, uri = services.otp_prepare(user_id=self.actor.user_id, issuer=self._http.tenant.name)  # type: ignore[attr-defined]
        return Response({"secret": secret, "provisioning_uri": uri, "otp_enabled": 0})

    @describe(
        "Switch the second factor on",
        body=OtpCode,
        sent={"otp_code": "123456"},
        answer=shapes.OTP_STATE,
        errors={403: ("INVALID_OTP_CODE",), 409: ("OTP_ALREADY_ENABLED",)},
    )
    def put(self, request: Request) -> Response:
        user = services.otp_enable(
            user_id=self.actor.user_id,
            code=self.body(OtpCode)["otp_code"],
            address=address_of(self._http),
            at=self.at,
        )
        return Response({"otp_enabled": int(user.otp_enabled)})

    @describe(
        "Switch the second factor off",
        body=OtpCode,
        sent={"otp_code": "123456"},
        answer=shapes.OTP_STATE,
        errors={403: ("INVALID_OTP_CODE",), 409: ("OTP_NOT_ENABLED",)},
    )
    def delete(self, request: Request) -> Response:
        user = services.otp_disable(
            user_id=self.actor.user_id,
            code=self.body(OtpCode)["otp_code"],
            address=address_of(self._http),
            at=self.at,
        )
        return Response({"otp_enabled": int(user.otp_enabled)})


class StaffOtp(CustomerOtp):
    """The same for staff."""

    customer_address = False
    session_types = STAFF_SESSIONS


class CustomerMe(ApiView):
    @describe("The customer behind this session", answer=shapes.PROFILE)
    def get(self, request: Request) -> Response:
        return Response(customer_profile(selectors.own_user(self.actor)))


class SessionAccounts(ApiView):
    @describe("The customer's trading accounts", answer=record(accounts=many(shapes.ACCOUNT_SUMMARY)))
    def get(self, request: Request) -> Response:
        own = selectors.accounts(self.actor).order_by("login")
        return Response({"accounts": [account_summary(account) for account in own]})


class PublicGroups(ApiView):
    @describe("Account groups in which a customer may open an account", answer=record(groups=many(shapes.GROUP)))
    def get(self, request: Request) -> Response:
        return Response({"groups": [group_record(g) for g in selectors.account_groups(self.actor).order_by("name")]})


class AccountOpening(ApiView):
    shows_secret = True

    @describe(
        "Open a trading account; its own password is shown once",
        body=Opening,
        sent={"group": "Real USD"},
        answer=shapes.OPENED,
        errors={403: ("GROUP_NOT_PUBLIC", "GROUP_DISABLED")},
        description="A repetition with the same Idempotency-Key shows the same password again; until then it is kept"
        " encrypted.",
    )
    def post(self, request: Request) -> Response:
        group_name = self.body(Opening)["group"]
        opened = services.account_open_by_customer(user_id=self.actor.user_id, group_name=group_name, at=self.at)
        return Response(opened_record(opened))


class TerminalSignIn(ApiView):
    session_types = None

    @describe(
        "Sign in to one trading account with its own password",
        body=AccountSignIn,
        sent={"login": 100001, "password": "f3Kq9-zPw2"},
        answer=shapes.TERMINAL_SIGNED_IN,
        errors={403: ("USER_NOT_FOUND_OR_INCORRECT",)},
    )
    def post(self, request: Request) -> Response:
        values = self.body(AccountSignIn)
        account, token = services.account_sign_in(
            login=values["login"], password=values["password"], address=address_of(self._http), at=self.at
        )
        answer = {key: account_summary(account)[key] for key in ("login", "group", "currency", "leverage", "name")}
        return Response({**answer, "email": account.customer.email, "__token": token})


class StaffLogin(ApiView):
    session_types = None

    @describe(
        "Sign in as staff",
        body=EmailSignIn,
        sent={"email": "desk@example.com", "password": "correct horse"},
        answer=shapes.STAFF_SIGNED_IN,
        errors={403: ("USER_NOT_FOUND_OR_INCORRECT", "OTP_REQUIRED", "INVALID_OTP_CODE")},
    )
    def post(self, request: Request) -> Response:
        values = self.body(EmailSignIn)
        issued = services.staff_sign_in(
            email=values["email"],
            password=values["password"],
            otp_code=values.get("otp_code"),
            address=address_of(self._http),
            at=self.at,
        )
        session = issued.session
        return Response({"email": session.user.email, "session_type": session.session_type, "__token": issued.token})


# --- Forms on the wire


def address_of(request: HttpRequest) -> str:
    """The network address that failed sign-ins are counted by; behind a proxy the web server fills it in."""
    return str(request.META.get("REMOTE_ADDR") or "unknown")


def status_of(user: User) -> str:
    return "ACTIVE" if user.enabled else "DISABLED"


def customer_profile(user: User) -> dict[str, Any]:
    """A customer as the customer sees it."""
    accounts = user.accounts.select_related("group", "customer").order_by("login")
    return {
        "customer_id": user.id,
        "email": user.email,
        "full_name": user.full_name,
        "status": status_of(user),
        "otp_enabled": int(user.otp_enabled),
        "created_time": unix(user.created_at),
        "accounts": [account_summary(account) for account in accounts],
    }


def account_summary(account: TradingAccount) -> dict[str, Any]:
    """An account as sessions list it (needs `group` and `customer` loaded)."""
    return {
        "login": account.login,
        "enable": int(account.enabled),
        "leverage": account.leverage,
        "group": account.group.name,
        "name": account.customer.full_name,
        "currency": account.currency,
        "account_mode": account.group.account_mode,
    }


def group_record(group: AccountGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "name": group.name,
        "account_mode": group.account_mode,
        "currency": group.currency,
        "leverage": group.leverage,
        "position_mode": group.position_mode,
        "margin_call": group.margin_call,
        "stop_out": group.stop_out,
        "commission_per_lot": group.commission_per_lot,
        "public_opening": int(group.public_opening),
        "enabled": int(group.enabled),
    }


def opened_record(opened: services.OpenedAccount) -> dict[str, Any]:
    """A new account with its own password, which nothing ever shows again."""
    account = opened.account
    return {
        "login": account.login,
        "group": account.group.name,
        "account_mode": account.group.account_mode,
        "currency": account.currency,
        "leverage": account.leverage,
        "password": opened.password,
    }
