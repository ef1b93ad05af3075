"""The customer portal's addresses. Everything below /app/ and /console/ that is not listed is a page that says so."""

from django.urls import path, re_path

from portal.views import (
    accounts,
    copying,
    dashboard,
    dry_run,
    explain,
    masters,
    my_masters,
    pending,
    profile,
    session,
    subscribe,
    trade,
)

app_name = "portal"

urlpatterns = [
    path("", session.root, name="root"),
    path("app/", dashboard.dashboard, name="dashboard"),
    path("app/sign-in", session.sign_in, name="sign-in"),
    path("app/sign-out", session.sign_out, name="sign-out"),
    path("app/notices", session.notices, name="notices"),
    path("app/export/<slug:table>.csv", dashboard.export, name="export"),
    path("app/trade", trade.ticket, name="trade"),
    path("app/positions/<int:order>/close", trade.close, name="close"),
    path("app/orders/<int:order>/modify", pending.modify, name="modify-order"),
    path("app/orders/<int:order>/cancel", pending.cancel, name="cancel-order"),
    path("app/masters", masters.listing, name="masters"),
    path("app/masters.csv", masters.export, name="masters-csv"),
    path("app/masters/mine", my_masters.listing, name="my-masters"),
    path("app/masters/new", my_masters.create, name="new-master"),
    path("app/masters/mine/<int:master_id>", my_masters.change, name="my-master"),
    path("app/masters/mine/<int:master_id>/rest", my_masters.rest, name="rest-master"),
    path("app/masters/mine/<int:master_id>/wake", my_masters.wake, name="wake-master"),
    path("app/masters/mine/<int:master_id>/end", my_masters.end, name="end-master"),
    path("app/masters/<int:login>", masters.master, name="master"),
    path("app/masters/<int:login>/trades.csv", masters.trades_export, name="master-trades-csv"),
    path("app/masters/<int:login>/follow", subscribe.follow, name="follow"),
    path("app/masters/<int:login>/dry-run", dry_run.dry_run, name="dry-run"),
    path("app/copying", copying.listing, name="copying"),
    path("app/copying/<int:subscription_id>/pause", subscribe.pause, name="pause"),
    path("app/copying/<int:subscription_id>/resume", subscribe.resume, name="resume"),
    path("app/copying/<int:subscription_id>/edit", subscribe.edit, name="edit"),
    path("app/copying/<int:subscription_id>/stop", subscribe.stop, name="stop"),
    path("app/why/<int:order>/<int:login>", explain.why, name="why"),
    path("app/accounts", accounts.listing, name="accounts"),
    path("app/accounts/open", accounts.open_account, name="open-account"),
    path("app/profile", profile.profile, name="profile"),
    path("app/profile/password", profile.password, name="password"),
    path("app/profile/second-factor", profile.second_factor, name="second-factor"),
    path("app/profile/second-factor/on", profile.second_factor_on, name="second-factor-on"),
    path("app/profile/second-factor/off", profile.second_factor_off, name="second-factor-off"),
    re_path(r"^(app|console)(/.*)?$", session.nothing_here),
]
