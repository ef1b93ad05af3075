"""The writes of this app: one keyword-only function per use case.

All but `tenant_create` work inside a tenant scope. They raise `DomainError` and then have changed nothing.
"""

from accounts.services.groups import account_group_create
from accounts.services.second_factor import otp_disable, otp_enable, otp_prepare
from accounts.services.sessions import (
    IssuedSession,
    session_open,
    session_revoke,
    sessions_revoke_for_account,
    sessions_revoke_for_user,
)
from accounts.services.sign_in import account_sign_in, customer_sign_in, staff_sign_in
from accounts.services.tenants import product_config_update, tenant_create, tenant_settings_update
from accounts.services.trading_accounts import OpenedAccount, account_open, account_open_by_customer, account_update
from accounts.services.users import password_change, user_create, user_update

__all__ = [
    "IssuedSession",
    "OpenedAccount",
    "account_group_create",
    "account_open",
    "account_open_by_customer",
    "account_sign_in",
    "account_update",
    "customer_sign_in",
    "otp_disable",
    "otp_enable",
    "otp_prepare",
    "password_change",
    "product_config_update",
    "session_open",
    "session_revoke",
    "sessions_revoke_for_account",
    "sessions_revoke_for_user",
    "staff_sign_in",
    "tenant_create",
    "tenant_settings_update",
    "user_create",
    "user_update",
]
