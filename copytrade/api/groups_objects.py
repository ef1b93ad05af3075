"""Group, as the contract writes it, and its description."""

from collections.abc import Iterable
from typing import Any, Final

from copytrade.domain.groups import GroupCopyMode, GroupPause, GroupStatus, PartialExit
from copytrade.domain.quarantine import QuarantineRelease
from copytrade.domain.values import Rounding, Sizing
from copytrade.models import ContractMapping, CopyGroup, GroupMember
from core.rounding import plain
from infra.api.shapes import flag, many, nullable, number, record, text, whole, word

MAPPING: Final = record(leader_symbol=text("CL"), follower_symbol=text("QO"))
CONTRACT: Final = record(symbol=text("MNQ"), ratio=whole(1), synced=flag(), cross_symbol=text("NQ"))
FOLLOWER: Final = record(
    login=whole(100002),
    subscription_id=nullable(whole(21)),
    ratio=number("0.5"),
    synced_all=flag(),
    mappings=many(MAPPING),
    contracts=many(CONTRACT),
)
GROUP: Final = record(
    id=whole(5),
    name=text("Funded"),
    status=word(*GroupStatus),
    pause_reason=word(*GroupPause),
    leader_login=nullable(whole(100001)),
    copy_mode=word(*GroupCopyMode),
    copy_value=number("1"),
    sizing_mode=word(*Sizing),
    rounding_mode=word(*Rounding),
    auto_variant=flag(),
    symbol_quarantine=flag(),
    quarantine_after_rejections=whole(1),
    quarantine_release=word(*QuarantineRelease),
    partial_exit=word(*PartialExit),
    contract_mappings_enabled=flag(0),
    mappings=many(MAPPING),
    reverse=flag(0),
    copy_sl=flag(),
    copy_tp=flag(),
    copy_pending_orders=flag(),
    followers=many(FOLLOWER),
    version=whole(1),
)


def group_object(group: CopyGroup) -> dict[str, Any]:
    """Group (as `selectors_groups.groups_own` loads it)."""
    return {
        "id": group.pk,
        "name": group.name,
        "status": group.status.value,
        "pause_reason": group.pause_reason,
        "leader_login": None if group.leader is None else group.leader.login,
        "copy_mode": group.copy_mode,
        "copy_value": plain(group.copy_value),
        "sizing_mode": group.sizing_mode,
        "rounding_mode": group.rounding_mode,
        "auto_variant": int(group.auto_variant),
        "symbol_quarantine": int(group.symbol_quarantine),
        "quarantine_after_rejections": group.quarantine_after_rejections,
        "quarantine_release": group.quarantine_release,
        "partial_exit": group.partial_exit,
        "contract_mappings_enabled": int(group.contract_mappings_enabled),
        "mappings": _mappings(group.mappings.all()),
        "reverse": int(group.reverse),
        "copy_sl": int(group.copy_sl),
        "copy_tp": int(group.copy_tp),
        "copy_pending_orders": int(group.copy_pending_orders),
        "followers": [_follower(member) for member in group.members.all()],
        "version": group.version,
    }


def _follower(member: GroupMember) -> dict[str, Any]:
    subscription = next(iter(member.subscriptions.all()), None)
    return {
        "login": member.account.login,
        "subscription_id": None if subscription is None else subscription.pk,
        "ratio": plain(member.ratio),
        "synced_all": int(member.synced_all),
        "mappings": _mappings(member.mappings.all()),
        "contracts": [
            {
                "symbol": contract.symbol,
                "ratio": contract.ratio,
                "synced": int(contract.synced),
                "cross_symbol": contract.cross_symbol,
            }
            for contract in member.contracts.all()
        ],
    }


def _mappings(mappings: Iterable[ContractMapping]) -> list[dict[str, str]]:
    return [{"leader_symbol": m.leader_symbol, "follower_symbol": m.follower_symbol} for m in mappings]
