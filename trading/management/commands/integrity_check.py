"""`manage.py integrity_check`: proves the references of trading that no foreign key holds."""

from accounts.proof import ProofCommand
from trading.selectors_proof import trades_prove


class Command(ProofCommand):
    help = "Proves that orders, trades and events of every tenant refer to each other, and that events have no gaps."
    prove = trades_prove
