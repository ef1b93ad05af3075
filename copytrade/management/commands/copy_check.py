"""`manage.py copy_check`: proves links, copy orders and cursors of every tenant."""

from accounts.proof import ProofCommand
from copytrade.selectors_proof import copies_prove


class Command(ProofCommand):
    help = "Proves that links own no more than followers hold, and that copies refer to what they copy."
    prove = copies_prove
