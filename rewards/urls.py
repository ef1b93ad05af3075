"""The addresses of rewards."""

from infra.api.paths import api_path
from rewards.api import listing, statement, terms

urlpatterns = [
    api_path("copytrade/rewards", listing.RewardsView),
    api_path("copytrade/rewards/statement", statement.StatementView),
    api_path("copytrade/master/<int:record_id>/reward-policy", terms.RewardPolicyView),
    api_path("copytrade/subscription/<int:record_id>/terms", terms.AgreedTermsView),
    api_path("manage/rewards", listing.AllRewardsView),
    api_path("manage/rewards/<int:record_id>/retry", listing.RewardRetryView),
]
