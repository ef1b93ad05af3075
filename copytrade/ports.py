"""Ports: what higher layers may hang into copying. `config/subscribers.py` fills them; nothing here imports upward."""

from collections.abc import Callable, Collection

from core.contracts import ContractSpec
from core.states import Side
from trading.domain.values import AccountState, Market

entry_risks: list[Callable[[AccountState, Market, ContractSpec, Side], str]] = []
"""Asked for every entry that is to be copied, under the follower's lock: the name of the account's risk rule that does
not allow it, "" for none. The first name stands and the entry is skipped with RISK_LIMIT. They are asked for thousands of
followers in a row, so they read no database."""

profile_listeners: list[Callable[[Collection[int]], None]] = []
"""Told the ids of masters whose profile was made, changed or ended, inside the transaction that does it."""

following_listeners: list[Callable[[Collection[int]], None]] = []
"""Told the ids of masters that somebody began or ceased to follow, inside the transaction that does it, under the locks of
the accounts; they wait for nothing."""


def profiles_tell(master_ids: Collection[int]) -> None:
    """Tells that these profiles changed."""
    for listener in profile_listeners:
        listener(master_ids)


def following_tell(master_ids: Collection[int]) -> None:
    """Tells that these masters gained or lost followers; nobody is told of none."""
    if master_ids:
        for listener in following_listeners:
            listener(master_ids)


def entry_risk(account: AccountState, market: Market, spec: ContractSpec, side: Side) -> str:
    """The first risk rule that speaks against an entry, "" for none."""
    for ask in entry_risks:
        if name := ask(account, market, spec, side):
            return name
    return ""
