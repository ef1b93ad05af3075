"""`manage.py ledger_check`: proves the ledger of every tenant."""

from accounts.proof import ProofCommand
from ledger.selectors_proof import ledger_prove


class Command(ProofCommand):
    help = "Proves the ledger: zero-sum, balances equal to what was booked, records equal to their transfers."
    prove = ledger_prove
