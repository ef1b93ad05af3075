"""The addresses of the marketplace."""

from infra.api.paths import api_path
from marketplace.api import dry_run, finding, looking, managing, statistics, summary

urlpatterns = [
    api_path("copytrade/dry-run", dry_run.DryRunView),
    api_path("copytrade/masters", finding.MastersView),
    api_path("copytrade/master/stats", statistics.MasterStatsView),
    api_path("copytrade/master/trades", looking.MasterTradesView),
    api_path("copytrade/master/followers", looking.MasterFollowersView),
    api_path("manage/copy-summary", summary.CopySummaryView),
    api_path("manage/masters", managing.ManagedMastersView),
    api_path("manage/masters/<int:record_id>", managing.ManagedMasterView),
    api_path("manage/masters/<int:record_id>/followers", managing.ManagedFollowersView),
]
