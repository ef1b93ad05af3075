"""`manage.py rewards_check`: proves the rewards of every tenant."""

from accounts.proof import ProofCommand
from rewards.selectors_proof import rewards_prove


class Command(ProofCommand):
    help = "Proves rewards: every charge recomputes from stored rows, what was booked is what was charged."
    prove = rewards_prove
