"""What the addresses of sections 2 and 5 answer about people, groups and accounts, for the description of the API."""

from accounts.models import CopyMeasure, MasterApproval, Role
from accounts.services.sessions import SESSION_TYPE_OF_ROLE
from core.states import AccountMode, CopyRole, PositionMode
from infra.api.shapes import extended, flag, many, number, record, seconds, text, whole, word

TOKEN = text("eyJhbGciOiJIUzI1NiJ9.eyJzaWQiOiIuLi4ifQ.c2lnbmF0dXJl")

ACCOUNT_SUMMARY = record(
    login=whole(100001),
    enable=flag(),
    leverage=whole(100),
    group=text("Real USD"),
    name=text("Anna Example"),
    currency=text("USD"),
    account_mode=word(AccountMode.REAL, AccountMode.DEMO),
)
PROFILE = record(
    customer_id=whole(17),
    email=text("anna@example.com"),
    full_name=text("Anna Example"),
    status=word("ACTIVE", "DISABLED"),
    otp_enabled=flag(0),
    created_time=seconds(),
    accounts=many(ACCOUNT_SUMMARY),
)
SIGNED_IN = extended(PROFILE, __token=TOKEN)
OTP_SECRET = record(
    secret=text("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
    provisioning_uri=text("otpauth://totp/Demo:anna%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Demo"),
    otp_enabled=flag(0),
)
OTP_STATE = record(otp_enabled=flag())
GROUP = record(
    id=whole(3),
    name=text("Real USD"),
    account_mode=word(*AccountMode),
    currency=text("USD"),
    leverage=whole(100),
    position_mode=word(*PositionMode),
    margin_call=number(100),
    stop_out=number(50),
    commission_per_lot=number("3.5"),
    public_opening=flag(),
    enabled=flag(),
)
OPENED = record(
    login=whole(100001),
    group=text("Real USD"),
    account_mode=word(*AccountMode),
    currency=text("USD"),
    leverage=whole(100),
    password=text("f3Kq9-zPw2"),
)
TERMINAL_SIGNED_IN = record(
    login=whole(100001),
    group=text("Real USD"),
    currency=text("USD"),
    leverage=whole(100),
    name=text("Anna Example"),
    email=text("anna@example.com"),
    __token=TOKEN,
)
SESSION_TYPE = word(*(kind for role, kind in SESSION_TYPE_OF_ROLE.items() if role != Role.CUSTOMER))
STAFF_SIGNED_IN = record(email=text("desk@example.com"), session_type=SESSION_TYPE, __token=TOKEN)

PRODUCTS = record(
    copy_trading=flag(),
    bot_trading=flag(0),
    copy_default_max_positions=whole(5),
    copy_default_min_equity=number(),
    copy_default_slippage_tolerance=number(),
    copy_default_max_loss=number(),
    copy_default_max_loss_percent=number(),
    copy_default_max_drawdown_percent=number(30),
    copy_bound_max_positions=whole(20),
    copy_bound_min_equity=number(100),
    copy_bound_slippage_tolerance=number(),
    copy_bound_max_loss=number(),
    copy_bound_max_loss_percent=number(),
    copy_bound_max_drawdown_percent=number(50),
    master_approval=word(*MasterApproval),
    master_min_account_days=whole(30),
    master_min_closed_trades=whole(20),
    master_min_equity=number("1000"),
    overleverage_threshold=number("10"),
    copy_failed_exit_action=word(CopyMeasure.ALERT, CopyMeasure.FLATTEN),
    copy_out_of_sync_action=word(*CopyMeasure),
    copy_out_of_sync_seconds=whole(60),
    reward_share_percent=number(),
    timezone=text("America/New_York"),
    day_end=text("17:00"),
    day_ends_time=whole(1_790_000_000),
)
CUSTOMER = extended(PROFILE, id=whole(17), enabled=flag())
STAFF_MEMBER = record(
    id=whole(4),
    email=text("desk@example.com"),
    full_name=text("Dora Desk"),
    session_type=SESSION_TYPE,
    owner=flag(0),
    enabled=flag(),
    status=word("ACTIVE", "DISABLED"),
    created_time=seconds(),
)
ACCOUNT = extended(
    ACCOUNT_SUMMARY,
    enabled=flag(),
    customer_id=whole(17),
    email=text("anna@example.com"),
    position_mode=word(*PositionMode),
    balance=number("10000"),
    credit=number(),
    copy_role=word(*CopyRole),
    created_time=seconds(),
)
OPENED_BY_STAFF = extended(ACCOUNT, password=text("f3Kq9-zPw2"))
BALANCE_MOVED = extended(ACCOUNT, order=whole(5000001), amount=number("250.5"))
