"""What is set for contracts in a group: mappings, ratios, sync switches and cross symbols."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from copytrade.domain.contracts import Catalogue
from copytrade.models import ContractMapping, ContractSetting, CopyGroup, GroupMember
from copytrade.selectors_groups import contract_catalogue
from copytrade.services.groups.editing import Edit, group_edit, group_save
from copytrade.services.resting import resting_review
from core.errors import DomainError, Kind, invalid, not_found
from infra.actor import Actor

CONTRACT_FIELDS: Final = ("ratio", "synced", "cross_symbol")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One pair of a list of mappings."""

    leader_symbol: str
    follower_symbol: str


def follower_update(
    *,
    actor: Actor,
    group_id: int,
    login: int,
    settings: Mapping[str, Any],
    mappings: Sequence[Mapped] | None,
    version: int | None,
    at: datetime,
) -> None:
    """Changes `ratio` and `synced_all` of one follower where given, and replaces its own mappings. 404 without one."""
    edit = group_edit(group_id, version=version)
    member = edit.member(login)
    for name in ("ratio", "synced_all"):
        if name in settings and getattr(member, name) != settings[name]:
            setattr(member, name, settings[name])
            edit.note(f"followers.{login}.{name}")
    member.save(update_fields=["ratio", "synced_all"])
    if mappings is not None and mappings_replace(edit.group, member, mappings, contract_catalogue(at)):
        edit.note(f"followers.{login}.mappings")
    group_save(edit, (), actor=actor, at=at)
    resting_review([member.account_id], at=at)


def contract_update(
    *,
    actor: Actor,
    group_id: int,
    login: int,
    symbol: str,
    settings: Mapping[str, Any],
    version: int | None,
    at: datetime,
) -> None:
    """Changes what one follower has set for one of the leader's contracts.

    404 for an unknown follower or contract, 400 for an unknown cross symbol, 400 `DIFFERENT_FAMILY`.
    """
    edit = group_edit(group_id, version=version)
    member = edit.member(login)
    contract_set(edit, member, symbol, settings, contract_catalogue(at))
    group_save(edit, (), actor=actor, at=at)
    resting_review([member.account_id], at=at)


def contract_sync(*, actor: Actor, group_id: int, symbol: str, synced: bool, version: int | None, at: datetime) -> None:
    """Switches one contract on or off for all followers (R177)."""
    edit = group_edit(group_id, version=version)
    catalogue = contract_catalogue(at)
    for member in edit.members:
        contract_set(edit, member, symbol, {"synced": synced}, catalogue)
    contract_known(symbol, catalogue)
    group_save(edit, (), actor=actor, at=at)
    resting_review([member.account_id for member in edit.members], at=at)


def contract_set(
    edit: Edit, member: GroupMember, symbol: str, settings: Mapping[str, Any], catalogue: Catalogue
) -> None:
    """Takes over what is given for one contract of a locked member."""
    contract_known(symbol, catalogue)
    stored = ContractSetting.objects.filter(member=member, symbol=symbol).first()
    setting = stored or ContractSetting(tenant_id=member.tenant_id, member=member, symbol=symbol)
    wanted = dict(settings)
    if "cross_symbol" in wanted:
        wanted["cross_symbol"] = _cross(symbol, wanted["cross_symbol"], catalogue)
    before = [getattr(setting, name) for name in CONTRACT_FIELDS]
    for name in CONTRACT_FIELDS:
        if name in wanted:
            setattr(setting, name, wanted[name])
    if [getattr(setting, name) for name in CONTRACT_FIELDS] == before:
        return
    setting.save()
    edit.note(*(f"followers.{member.account.login}.contracts.{symbol}.{name}" for name in wanted))


def contract_known(symbol: str, catalogue: Catalogue) -> None:
    """404 for a contract that the tenant does not have."""
    if not catalogue.knows(symbol):
        raise not_found(_("There is no contract %(symbol)s.") % {"symbol": symbol})


def mappings_replace(
    group: CopyGroup, member: GroupMember | None, mappings: Sequence[Mapped], catalogue: Catalogue
) -> bool:
    """Makes `mappings` the group's, or one member's own; says whether that changes anything. 400 where one is wrong."""
    _mappings_check(mappings, catalogue)
    stored = ContractMapping.objects.filter(group=group, member=member)
    before = {(m.leader_symbol, m.follower_symbol) for m in stored}
    wanted = {(m.leader_symbol, m.follower_symbol) for m in mappings}
    if wanted == before:
        return False
    stored.delete()
    ContractMapping.objects.bulk_create(
        ContractMapping(
            tenant_id=group.tenant_id, group=group, member=member, leader_symbol=leader, follower_symbol=follower
        )
        for leader, follower in sorted(wanted)
    )
    return True


def _mappings_check(mappings: Iterable[Mapped], catalogue: Catalogue) -> None:
    seen: set[str] = set()
    for index, mapped in enumerate(mappings):
        if mapped.leader_symbol in seen:
            raise invalid(f"mappings[{index}].leader_symbol", _("stands twice"))
        seen.add(mapped.leader_symbol)
        if not catalogue.knows(mapped.follower_symbol):
            raise invalid(f"mappings[{index}].follower_symbol", _("there is no such contract"))


def _cross(symbol: str, cross_symbol: str, catalogue: Catalogue) -> str:
    """The cross symbol to store: none when it is the leader's own contract."""
    if cross_symbol in ("", symbol):
        return ""
    if not catalogue.knows(cross_symbol):
        raise invalid("cross_symbol", _("there is no such contract"))
    if cross_symbol not in catalogue.options(symbol):
        message = _("%(cross)s is of another family than %(symbol)s.")
        raise DomainError(Kind.INVALID, "DIFFERENT_FAMILY", message % {"cross": cross_symbol, "symbol": symbol})
    return cross_symbol
