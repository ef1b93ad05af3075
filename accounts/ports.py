"""What this layer tells those above it. `config/subscribers.py` fills the lists; no upward import is needed."""

from typing import Protocol

from accounts.models import TradingAccount


class AccountOpened(Protocol):
    """A listener to new trading accounts."""

    def __call__(self, *, account: TradingAccount) -> object: ...


account_opened: list[AccountOpened] = []
"""Called with each new trading account, inside the transaction that opens it; an exception prevents the opening."""
