"""Every address of the product, by the app that serves it."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("trading.urls")),
    path("", include("copytrade.urls")),
    path("", include("rewards.urls")),
    path("", include("marketplace.urls")),
    path("", include("config.platform")),
    path("", include("portal.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.failed"
