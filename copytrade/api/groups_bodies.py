"""What requests about copy groups may say."""

from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from copytrade.domain.groups import GroupCopyMode, PartialExit
from copytrade.domain.quarantine import QuarantineRelease
from copytrade.domain.values import Rounding, Sizing
from copytrade.services.endings import OpenCopies
from copytrade.services.groups.terms import Mapped
from core.errors import invalid
from infra.api.fields import (
    Body,
    CleanTextField,
    FlagField,
    IdField,
    ListOf,
    TextChoiceField,
    WholeNumberField,
    WireDecimalField,
)

RATIO_LEAST: Final = Decimal("0.1")
SYMBOL_LENGTH: Final = 32
FOLLOWERS_MOST: Final = 200


class RatioField(WireDecimalField):
    """A follower's size against the leader's: 0.1 to 1,000 (R016)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=RATIO_LEAST, max_value=1000, **options)


class SymbolField(CleanTextField):
    """The name of a contract."""

    def __init__(self, *, min_length: int = 1, **options: Any) -> None:
        super().__init__(min_length=min_length, max_length=SYMBOL_LENGTH, **options)


class MappingBody(Body):
    """A pair of contracts."""

    leader_symbol = SymbolField()
    follower_symbol = SymbolField()

    def to_internal_value(self, data: Any) -> Any:
        return Mapped(**super().to_internal_value(data))


class ContractBody(Body):
    """What a follower sets for one contract: the ratio in whole steps from 1 to 10 (R171)."""

    ratio = WholeNumberField(min_value=1, max_value=10, required=False)
    synced = FlagField(required=False)
    cross_symbol = SymbolField(min_length=0, required=False)


class ContractChangeBody(ContractBody):
    """The same as PUT takes it."""

    version = IdField(required=False)


class NamedContractBody(ContractBody):
    """The same for a contract that it names."""

    symbol = SymbolField()


class NewFollowerBody(Body):
    """A follower as a new group takes it."""

    login = IdField()
    ratio = RatioField(required=False)
    synced_all = FlagField(required=False)
    mappings = ListOf(MappingBody(), required=False)
    contracts = ListOf(NamedContractBody(), required=False)

    def validate_contracts(self, contracts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        by_symbol = {contract.pop("symbol"): contract for contract in contracts}
        if len(by_symbol) < len(contracts):
            raise invalid("contracts", _("a contract stands twice"))
        return by_symbol


class GroupSettingsBody(Body):
    """What all followers of a group share."""

    copy_mode = TextChoiceField(GroupCopyMode, required=False)
    copy_value = WireDecimalField(positive=True, max_value=1_000_000, required=False)
    sizing_mode = TextChoiceField(Sizing, required=False)
    rounding_mode = TextChoiceField(Rounding, required=False)
    auto_variant = FlagField(required=False)
    symbol_quarantine = FlagField(required=False)
    quarantine_after_rejections = WholeNumberField(min_value=1, max_value=10, required=False)
    quarantine_release = TextChoiceField(QuarantineRelease, required=False)
    partial_exit = TextChoiceField(PartialExit, required=False)
    contract_mappings_enabled = FlagField(required=False)
    reverse = FlagField(required=False)
    copy_sl = FlagField(required=False)
    copy_tp = FlagField(required=False)
    copy_pending_orders = FlagField(required=False)
    mappings = ListOf(MappingBody(), required=False)


class GroupBody(GroupSettingsBody):
    """Group as POST takes it."""

    name = CleanTextField(max_length=100, min_length=1, trim=True)
    leader_login = IdField()
    followers = ListOf(NewFollowerBody(), min_items=1, max_items=FOLLOWERS_MOST)


class GroupChangeBody(GroupSettingsBody):
    """Group as PUT takes it. With `version` it is refused when somebody has changed the group since."""

    version = IdField(required=False)


class MemberBody(Body):
    """A follower in a staged edit; without `ratio` it keeps the one that it has."""

    login = IdField()
    ratio = RatioField(required=False)


class MembersBody(Body):
    """The staged edit of members. A `leader_login` of null removes the leader."""

    leader_login = IdField(required=False, allow_null=True)
    followers = ListOf(MemberBody(), max_items=FOLLOWERS_MOST, required=False)
    open_copies = TextChoiceField(OpenCopies, required=False)
    reactivate = FlagField(required=False)
    version = IdField(required=False)


class FollowerChangeBody(Body):
    """One follower's size, switch and own mappings."""

    ratio = RatioField(required=False)
    synced_all = FlagField(required=False)
    mappings = ListOf(MappingBody(), required=False)
    version = IdField(required=False)


class SyncBody(Body):
    """One contract on or off for all followers."""

    synced = FlagField()
    version = IdField(required=False)


class PauseBody(Body):
    open_copies = TextChoiceField(OpenCopies, default=OpenCopies.KEEP_EXITS)


class GroupEndBody(PauseBody):
    """The body of a group's DELETE."""

    confirm = FlagField(default=False)
