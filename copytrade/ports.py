"""Ports: what higher layers may hang into copying. `config/subscribers.py` fills them; nothing here imports upward."""

from collections.abc import Callable

from core.contracts import ContractSpec
from core.states import Side
from trading.domain.values import AccountState, Market

entry_risks: list[Callable[[AccountState, Market, ContractSpec, Side], str]] = []
"""Asked for every entry that is to be copied, under the follower's lock: the name of the account's risk rule that does
not allow it, "" for none. The first name stands and the entry is skipped with RISK_LIMIT. They are asked for thousands of
followers in a row, so they read no database."""


def entry_risk(account: AccountState, market: Market, spec: ContractSpec, side: Side) -> str:
    """The first risk rule that speaks against an entry, "" for none."""
    for ask in entry_risks:
        if name := ask(account, market, spec, side):
            return name
    return ""
