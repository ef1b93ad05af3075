"""Ports: what higher layers prove about the ledger. `config/subscribers.py` fills them; nothing here imports upward."""

from collections.abc import Callable

from accounts.proof import Finding

provers: list[Callable[[], list[Finding]]] = []
"""Asked by `ledger_prove` inside the tenant's scope: whether their own records say what was booked."""
