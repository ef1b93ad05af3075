"""What this layer tells those above it. `config/subscribers.py` fills the lists; no upward import is needed."""

from datetime import datetime
from typing import Protocol

from accounts.models import TradingAccount


class AccountOpened(Protocol):
    """A listener to new trading accounts."""

    def __call__(self, *, account: TradingAccount) -> object: ...


class AccountDisabled(Protocol):
    """A listener to accounts that may not trade any more."""

    def __call__(self, *, account: TradingAccount, at: datetime) -> object: ...


account_opened: list[AccountOpened] = []
"""Called with each new trading account, inside the transaction that opens it; an exception prevents the opening."""

account_disabled: list[AccountDisabled] = []
"""Called with a locked trading account that was disabled, inside the transaction that disables it."""
