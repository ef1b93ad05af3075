from accounts import api, api_manage
from infra.api.paths import api_path

urlpatterns = [
    api_path("customer/auth/login", api.CustomerLogin),
    api_path("customer/auth/otp", api.CustomerOtp),
    api_path("customer/auth/logout", api.CustomerLogout),
    api_path("customer/auth/password", api.CustomerPassword),
    api_path("customer/me", api.CustomerMe),
    api_path("customer/session/accounts", api.SessionAccounts),
    api_path("customer/account/groups", api.PublicGroups),
    api_path("customer/account/open", api.AccountOpening),
    api_path("sign/in", api.TerminalSignIn),
    api_path("manage/auth/login", api.StaffLogin),
    api_path("manage/auth/otp", api.StaffOtp),
    api_path("manage/product-configs", api_manage.ProductConfigs),
    api_path("manage/staff", api_manage.Staff),
    api_path("manage/staff/<int:user_id>", api_manage.StaffMember),
    api_path("manage/customers", api_manage.Customers),
    api_path("manage/customers/<int:user_id>", api_manage.Customer),
    api_path("manage/account-groups", api_manage.AccountGroups),
    api_path("manage/accounts/<int:login>", api_manage.Account),
]
