"""The customer portal's addresses. Everything below /app/ and /console/ that is not listed is a page that says so."""

from django.urls import path, re_path

from portal.views import accounts, copying, dashboard, masters, session, subscribe, trade

app_name = "portal"

urlpatterns = [
    path("", session.root, name="root"),
    path("app/", dashboard.dashboard, name="dashboard"),
    path("app/sign-in", session.sign_in, name="sign-in"),
    path("app/sign-out", session.sign_out, name="sign-out"),
    path("app/export/<slug:table>.csv", dashboard.export, name="export"),
    path("app/trade", trade.ticket, name="trade"),
    path("app/positions/<int:order>/close", trade.close, name="close"),
    path("app/masters", masters.listing, name="masters"),
    path("app/masters/<int:login>", masters.master, name="master"),
    path("app/masters/<int:login>/follow", subscribe.follow, name="follow"),
    path("app/copying", copying.listing, name="copying"),
    path("app/copying/<int:subscription_id>/pause", subscribe.pause, name="pause"),
    path("app/copying/<int:subscription_id>/resume", subscribe.resume, name="resume"),
    path("app/copying/<int:subscription_id>/edit", subscribe.edit, name="edit"),
    path("app/copying/<int:subscription_id>/stop", subscribe.stop, name="stop"),
    path("app/accounts", accounts.listing, name="accounts"),
    path("app/accounts/open", accounts.open_account, name="open-account"),
    path("app/profile", accounts.profile, name="profile"),
    path("app/profile/password", accounts.password, name="password"),
    re_path(r"^(app|console)(/.*)?$", session.nothing_here),
]
