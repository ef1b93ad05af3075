"""Which contract a follower trades for a leader's (D07): mappings, cross symbols, names of dated futures, variants.

A contract of a future may be named with its delivery: root, month letter, year (`ESZ5`, `ESZ25` and `ESZ2025` are one
contract). Settings for a root (`ES`) hold for every delivery of it; settings for a delivery come first.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from copytrade.domain.sizing import Notional
from copytrade.domain.values import ContractTerms, Settings, Sizing
from core.contracts import ContractSpec, Variant
from core.rounding import ONE

MONTHS: Final = "FGHJKMNQUVXZ"
"""The letters of January to December."""

_DATED: Final = re.compile(rf"([A-Z0-9]*[A-Z])([{MONTHS}])(\d{{4}}|\d{{1,2}})")
_YEARS_BACK: Final = 2
"""How long ago a year that is written with one or two digits may lie; the other years are ahead."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A future's name with its delivery."""

    root: str
    month: str
    year: int

    @property
    def spellings(self) -> tuple[str, ...]:
        """All the ways to write it."""
        stem = self.root + self.month
        return f"{stem}{self.year % 10}", f"{stem}{self.year % 100:02d}", f"{stem}{self.year}"

    def of(self, root: str) -> "Dated":
        """The same delivery of another root."""
        return Dated(root, self.month, self.year)


def dated(symbol: str, year: int) -> Dated | None:
    """The delivery that a name tells, seen from `year`; None for a name without one."""
    found = _DATED.fullmatch(symbol)
    if found is None:
        return None
    root, month, digits = found.groups()
    if len(digits) == 4:
        return Dated(root, month, int(digits))
    span = 10 ** len(digits)
    first = year - _YEARS_BACK
    return Dated(root, month, first + (int(digits) - first) % span)


def names_to_read(symbols: Iterable[str], targets: Iterable[str], year: int) -> set[str]:
    """Every name under which the contract of a leader's `symbols`, or a mapping's target, may stand in the catalogue."""
    leaders = set(symbols)
    wanted = set(targets)
    names = leaders | wanted
    for name in tuple(names):
        delivery = dated(name, year)
        if delivery is not None:
            names.update(delivery.spellings)
    for symbol in leaders:
        delivery = dated(symbol, year)
        if delivery is not None:
            for root in wanted:
                names.update(delivery.of(root).spellings)
    return names


class Catalogue:
    """The contracts that a follower's venue offers, found by name, delivery and family."""

    def __init__(self, specs: Iterable[ContractSpec], year: int) -> None:
        self.year = year
        self._by_symbol = {spec.symbol: spec for spec in specs}
        self._by_delivery: dict[Dated, list[ContractSpec]] = {}
        self._by_family: dict[str, list[ContractSpec]] = {}
        self._roots: dict[str, list[ContractSpec]] = {}
        for spec in self._by_symbol.values():
            delivery = dated(spec.symbol, year)
            if delivery is not None:
                self._by_delivery.setdefault(delivery, []).append(spec)
                self._roots.setdefault(delivery.root, []).append(spec)
            if spec.family:
                self._by_family.setdefault(spec.family, []).append(spec)

    def named(self, symbol: str) -> ContractSpec | None:
        """The contract of that name or of another spelling of the same delivery; None when that is not exactly one."""
        exact = self._by_symbol.get(symbol)
        if exact is not None:
            return exact
        delivery = dated(symbol, self.year)
        return None if delivery is None else self._only(self._by_delivery.get(delivery, ()))

    def target(self, name: str, leader_symbol: str) -> ContractSpec | None:
        """The contract that a mapping or cross symbol names; a root stands for the leader's delivery where there is one."""
        delivery = dated(leader_symbol, self.year)
        same = () if delivery is None else self._by_delivery.get(delivery.of(name), ())
        return self._only(same) if same else self.named(name)

    def knows(self, name: str) -> bool:
        """Whether a name stands for something here: a contract, or the root of dated ones."""
        return self.named(name) is not None or name in self._roots

    def options(self, name: str) -> list[str]:
        """What can be traded instead of a contract, or of a root: names of the same family (R185 to R187)."""
        spec = self.named(name)
        if spec is not None:
            return [one.symbol for one in self.relatives(spec)]
        kin = {dated(one.symbol, self.year) for spec in self._roots.get(name, ()) for one in self.relatives(spec)}
        return sorted({delivery.root for delivery in kin if delivery is not None})

    def relatives(self, spec: ContractSpec) -> list[ContractSpec]:
        """The other contracts of the family with the same delivery, by symbol."""
        if not spec.family:
            return []
        mine = self._delivery_of(spec)
        kin = (one for one in self._by_family.get(spec.family, ()) if one.id != spec.id)
        return sorted((one for one in kin if self._delivery_of(one) == mine), key=lambda one: one.symbol)

    def micro(self, spec: ContractSpec) -> ContractSpec | None:
        """The one tradable micro variant of a contract that is none itself (R038)."""
        if spec.variant == Variant.MICRO:
            return None
        return self._only([one for one in self.relatives(spec) if one.variant == Variant.MICRO and one.trade_enabled])

    def variant(self, spec: ContractSpec) -> ContractSpec | None:
        """The one tradable contract that can stand in for another of its family (R020)."""
        return self._only([one for one in self.relatives(spec) if one.variant != spec.variant and one.trade_enabled])

    def _delivery_of(self, spec: ContractSpec) -> tuple[str, int] | None:
        delivery = dated(spec.symbol, self.year)
        return None if delivery is None else (delivery.month, delivery.year)

    @staticmethod
    def _only(found: Sequence[ContractSpec]) -> ContractSpec | None:
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The follower's contract for an entry; with `converted` its size keeps the worth of a point (notional)."""

    spec: ContractSpec
    converted: bool = False


def contract_choose(settings: Settings, symbol: str, catalogue: Catalogue) -> Chosen | None:
    """The follower's contract for the leader's `symbol`, in the order of D07; None where none is unambiguous.

    A mapping or cross symbol that leads nowhere does not fall back to the next rule: it was meant.
    """
    name = _mapped(settings.own_mappings, symbol, catalogue.year)
    if name:
        return _as_chosen(catalogue.target(name, symbol))
    terms = contract_terms(settings, symbol, catalogue.year)
    if terms is not None and terms.cross_symbol:
        return _as_chosen(_crossed(terms.cross_symbol, symbol, catalogue))
    name = _mapped(settings.group_mappings, symbol, catalogue.year)
    if name:
        return _as_chosen(catalogue.target(name, symbol))
    same = catalogue.named(symbol)
    if same is None or same.trade_enabled or not settings.auto_variant:
        return _as_chosen(same)
    instead = catalogue.variant(same)
    return Chosen(same) if instead is None else Chosen(instead, converted=True)


def contract_terms(settings: Settings, symbol: str, year: int) -> ContractTerms | None:
    """What a follower has set for a leader's contract: for its name, else for the same delivery, else for its root."""
    if not settings.contracts:
        return None
    by_name = {terms.symbol: terms for terms in settings.contracts}
    return next((by_name[name] for name in _names(symbol, year) if name in by_name), None)


@dataclass(frozen=True, slots=True)
class Offer:
    """A contract that an entry may be placed in, and how it is sized there.

    `comparable`: the prices of the leader's contract mean the same here, so that slippage can be told.
    """

    spec: ContractSpec | None
    ratio: Decimal = ONE
    synced: bool = True
    notional: Notional | None = None
    comparable: bool = True


class Offers:
    """The contracts of one turn's followers. `rate` gives units of its second currency for one of its first."""

    def __init__(self, specs: Iterable[ContractSpec], year: int, rate: Callable[[str, str], Decimal | None]) -> None:
        self._catalogue = Catalogue(specs, year)
        self._rate = rate
        self._found: dict[tuple[object, ...], Offer] = {}

    def first(self, settings: Settings, symbol: str, linked: ContractSpec | None = None) -> Offer:
        """What an entry is placed in. An increase of a copy stays in the contract that is `linked` (D06)."""
        # Most followers of a leader have set the same, which is nothing.
        key = (
            symbol, linked, settings.auto_variant, settings.sizing, settings.synced_all, settings.contracts,
            settings.own_mappings, settings.group_mappings,
        )  # fmt: skip
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._first(settings, symbol, linked)
        return found

    def _first(self, settings: Settings, symbol: str, linked: ContractSpec | None) -> Offer:
        chosen = contract_choose(settings, symbol, self._catalogue)
        if linked is not None and (chosen is None or chosen.spec.id != linked.id):
            chosen = Chosen(linked, converted=True)
        terms = contract_terms(settings, symbol, self._catalogue.year) or ContractTerms(symbol)
        synced = settings.synced_all and terms.synced
        if chosen is None:
            return Offer(None, terms.ratio, synced)
        notional = chosen.converted or settings.sizing is Sizing.NOTIONAL
        return self._offer(chosen.spec, symbol, terms.ratio, synced=synced, notional=notional)

    def smaller(self, settings: Settings, symbol: str, offer: Offer) -> Offer | None:
        """Where an entry goes that came to nothing in `offer` (R038, R039); None without such a contract."""
        if offer.spec is None or not settings.auto_variant:
            return None
        micro = self._catalogue.micro(offer.spec)
        if micro is None:
            return None
        return self._offer(micro, symbol, offer.ratio, synced=offer.synced, notional=True)

    def _offer(self, spec: ContractSpec, symbol: str, ratio: Decimal, *, synced: bool, notional: bool) -> Offer:
        leader = self._catalogue.named(symbol)
        comparable = leader is not None and same_family(leader, spec)
        if not notional or (leader is not None and leader.id == spec.id):
            return Offer(spec, ratio, synced, comparable=comparable)
        if leader is None:  # what a point of the leader's contract is worth is not known
            return Offer(None, ratio, synced)
        rate = self._rate(leader.profit_currency, spec.profit_currency)
        worth = None if rate is None else leader.point_value * rate
        return Offer(spec, ratio, synced, Notional(worth, spec.point_value, leader.profit_currency), comparable)


def same_family(one: ContractSpec, other: ContractSpec) -> bool:
    """Whether prices and stops of one contract mean the same for the other."""
    return one.id == other.id or bool(one.family and one.family == other.family)


def _crossed(name: str, symbol: str, catalogue: Catalogue) -> ContractSpec | None:
    found, leader = catalogue.target(name, symbol), catalogue.named(symbol)
    return found if found is not None and leader is not None and same_family(found, leader) else None


def _mapped(mappings: Sequence[tuple[str, str]], symbol: str, year: int) -> str:
    if not mappings:
        return ""
    targets = dict(mappings)
    return next((targets[name] for name in _names(symbol, year) if name in targets), "")


def _names(symbol: str, year: int) -> tuple[str, ...]:
    delivery = dated(symbol, year)
    return (symbol,) if delivery is None else (symbol, *delivery.spellings, delivery.root)


def _as_chosen(spec: ContractSpec | None) -> Chosen | None:
    return None if spec is None else Chosen(spec)
