"""The addresses of the marketplace."""

from infra.api.paths import api_path
from marketplace.api import looking

urlpatterns = [
    api_path("copytrade/master/trades", looking.MasterTradesView),
    api_path("copytrade/master/followers", looking.MasterFollowersView),
]
