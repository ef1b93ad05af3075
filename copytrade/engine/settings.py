"""The settings of a shard's subscriptions, in one statement: a master's subscription has its own, a group's follower
those of its group and of its membership, resolved into the same `Settings`."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from copytrade.domain.follower_stops import FollowerStop, follower_stop
from copytrade.domain.limits import ENTRY_LIMITS, STOP_LIMITS, bounded_by, tightest
from copytrade.domain.values import ContractTerms, Rounding, Settings, Sizing
from core.rounding import plain

# A group's MULTIPLIER and FIXED are the volume modes 1 and 0 of subscriptions, each times the follower's ratio. What is
# set for contracts comes as JSON text, and only for groups: a text can be remembered, a list cannot.
SETTINGS_SQL = b"""
SELECT sub.id, coalesce(grp.version, sub.version), sub.leader_id, sub.follower_id, sub.entries_from_seq,
       sub.ended_at IS NOT NULL, sub.enabled, sub.status, coalesce(config.copy_trading, false),
       grp.id IS NOT NULL OR coalesce(master.enabled AND master.status = 'ACTIVE' AND master.ended_at IS NULL, false),
       grp.id IS NOT NULL OR coalesce(profile.enabled, false),
       sub.copy_mode,
       CASE grp.copy_mode WHEN 'FIXED' THEN 0 WHEN 'MULTIPLIER' THEN 1 ELSE sub.volume_mode END,
       coalesce(grp.copy_value * member.ratio, sub.risk_multiplier),
       coalesce(grp.copy_value * member.ratio, sub.fixed_volume),
       coalesce(grp.copy_sl, sub.copy_sl), coalesce(grp.copy_tp, sub.copy_tp),
       coalesce(grp.partial_exit = 'PROPORTIONAL', sub.copy_partial_close), coalesce(grp.reverse, sub.reverse_direction),
       sub.max_volume, sub.min_volume, sub.max_positions, sub.symbols_mode, sub.symbols, sub.min_equity,
       sub.slippage_tolerance, sub.max_signal_age_seconds, coalesce(grp.auto_variant, sub.auto_variant),
       grp.id, coalesce(grp.pause_reason, ''),
       coalesce(grp.pause_reason = '' AND grp.leader_id = sub.leader_id AND grp.ended_at IS NULL, true),
       coalesce(grp.sizing_mode, 'CONTRACTS'), coalesce(grp.rounding_mode, 'ENTRY_DOWN_EXIT_UP'),
       coalesce(member.synced_all, true),
       CASE WHEN grp.id IS NULL THEN '' ELSE coalesce((
         SELECT json_agg(json_build_array(symbol, ratio, synced, cross_symbol) ORDER BY symbol)::text
         FROM copytrade_contractsetting WHERE member_id = sub.member_id), '') END,
       CASE WHEN grp.id IS NULL THEN '' ELSE coalesce((
         SELECT json_agg(json_build_array(leader_symbol, follower_symbol) ORDER BY leader_symbol)::text
         FROM copytrade_contractmapping WHERE member_id = sub.member_id), '') END,
       CASE WHEN grp.id IS NULL OR NOT grp.contract_mappings_enabled THEN '' ELSE coalesce((
         SELECT json_agg(json_build_array(leader_symbol, follower_symbol) ORDER BY leader_symbol)::text
         FROM copytrade_contractmapping WHERE group_id = sub.group_id AND member_id IS NULL), '') END,
       CASE WHEN grp.symbol_quarantine THEN grp.quarantine_after_rejections ELSE 0 END,
       coalesce(grp.quarantine_release, 'MANUAL'), coalesce(grp.copy_pending_orders, sub.copy_pending_orders),
       coalesce(master.bound_max_positions, 0), coalesce(master.bound_min_equity, 0),
       coalesce(master.bound_slippage_tolerance, 0), coalesce(config.copy_bound_max_positions, 0),
       coalesce(config.copy_bound_min_equity, 0), coalesce(config.copy_bound_slippage_tolerance, 0)
FROM copytrade_copysubscription sub
LEFT JOIN copytrade_copymaster master ON master.id = sub.master_id
LEFT JOIN copytrade_copygroup grp ON grp.id = sub.group_id
LEFT JOIN copytrade_groupmember member ON member.id = sub.member_id
LEFT JOIN copytrade_copyfollower profile ON profile.account_id = sub.follower_id AND profile.ended_at IS NULL
LEFT JOIN accounts_productconfig config ON config.tenant_id = sub.tenant_id
WHERE sub.shard_id = %s AND sub.follower_id = ANY(%s::bigint[])
"""
# What a follower stop is made of (D19), of the follower, the master and the tenant; who has a mark is watched.
STOPS_SQL = b"""
sub.max_loss, sub.max_loss_percent, sub.max_drawdown_percent,
coalesce(master.bound_max_loss, 0), coalesce(master.bound_max_loss_percent, 0),
coalesce(master.bound_max_drawdown_percent, 0), coalesce(config.copy_bound_max_loss, 0),
coalesce(config.copy_bound_max_loss_percent, 0), coalesce(config.copy_bound_max_drawdown_percent, 0),
m.start_equity, m.peak_equity
"""
STOPS_FROM_SQL = b"""
JOIN copytrade_subscriptionmarks m ON m.subscription_id = sub.id
LEFT JOIN copytrade_copymaster master ON master.id = sub.master_id
LEFT JOIN accounts_productconfig config ON config.tenant_id = sub.tenant_id
"""
STOPS_SET_SQL = b"""
(sub.max_loss > 0 OR sub.max_loss_percent > 0 OR sub.max_drawdown_percent > 0
 OR master.bound_max_loss > 0 OR master.bound_max_loss_percent > 0 OR master.bound_max_drawdown_percent > 0
 OR config.copy_bound_max_loss > 0 OR config.copy_bound_max_loss_percent > 0
 OR config.copy_bound_max_drawdown_percent > 0)
"""
# Contracts that followers of a leader's groups have named: what an entry may be placed in besides the leader's family.
TARGETS_SQL = b"""
coalesce((
  SELECT array_agg(DISTINCT named.symbol) FROM copytrade_copygroup grp CROSS JOIN LATERAL (
    SELECT mapping.follower_symbol AS symbol FROM copytrade_contractmapping mapping WHERE mapping.group_id = grp.id
    UNION ALL
    SELECT setting.cross_symbol FROM copytrade_groupmember member
    JOIN copytrade_contractsetting setting ON setting.member_id = member.id AND setting.cross_symbol <> ''
    WHERE member.group_id = grp.id AND member.ended_at IS NULL
  ) named WHERE grp.leader_id = a.id AND grp.ended_at IS NULL), '{}')
"""
_FOUND_OUT = frozenset({"role_is_follower", "leader_currency", "bounded_by"})
# The columns of the statement, in its order; then the master's bounds and the tenant's.
_COLUMNS = tuple(field.name for field in fields(Settings) if field.name not in _FOUND_OUT)
_NUMBERS = tuple(field.name for field in fields(Settings) if field.type is Decimal)

_rows_of = msgspec.json.Decoder(list[list[Any]]).decode


@lru_cache(maxsize=50_000)
def settings_of(row: tuple[Any, ...], is_follower: bool, leader_currency: str) -> Settings:
    """Settings by everything they are made of, because they change rarely and are read for every event.

    Numbers come as texts, which are compared much faster.
    """
    stored: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
    stored |= {name: plain(Decimal(stored[name])) for name in _NUMBERS}
    bounds = [plain(Decimal(value)) for value in row[len(_COLUMNS) :]]
    _limit(stored, bounds[:3], bounds[3:])
    stored["sizing"], stored["rounding"] = Sizing(stored["sizing"]), Rounding(stored["rounding"])
    stored["contracts"] = tuple(
        ContractTerms(symbol, Decimal(ratio), synced, cross)
        for symbol, ratio, synced, cross in _rows(stored["contracts"])
    )
    for name in ("own_mappings", "group_mappings"):
        stored[name] = tuple((leader, follower) for leader, follower in _rows(stored[name]))
    return Settings(**stored, role_is_follower=is_follower, leader_currency=leader_currency)


def settings_of_draft(draft: Any, master: Any, config: Any, *, leader_currency: str) -> Settings:
    """What a master's subscription that is not stored would be decided by; all that is around it counts as switched on.

    `draft`, `master` and `config` have the attributes of `CopySubscription`, `CopyMaster` and `ProductConfig`.
    """
    wanted = {name: getattr(draft, name) for name in _COLUMNS if hasattr(draft, name)}
    stored: dict[str, Any] = {k: plain(v) if isinstance(v, Decimal) else v for k, v in wanted.items()}
    _limit(stored, _bounds(master, "bound_", ENTRY_LIMITS), _bounds(config, "copy_bound_", ENTRY_LIMITS))
    around: dict[str, Any] = {
        "subscription_id": 0, "leader_id": 0, "follower_id": 0, "entries_from_seq": 0, "ended": False, "module_on": True,
        "master_active": True, "follower_enabled": True, "group_id": None,
    }  # fmt: skip
    return Settings(**(stored | around), role_is_follower=True, leader_currency=leader_currency)


def stop_of(figures: Sequence[Any]) -> FollowerStop:
    """The follower stop that holds, from the columns of STOPS_SQL."""
    values = [plain(figure) for figure in figures]
    return follower_stop(values[:3], values[3:6], values[6:9], values[9:])


def stop_of_draft(draft: Any, master: Any, config: Any, equity: Decimal) -> FollowerStop | None:
    """The follower stop of a subscription that begins at this equity, as for `settings_of_draft`; None without limits."""
    own = [plain(Decimal(getattr(draft, name))) for name in STOP_LIMITS]
    bounds = _bounds(master, "bound_", STOP_LIMITS), _bounds(config, "copy_bound_", STOP_LIMITS)
    return follower_stop(own, *bounds, [equity, equity]) if any((*own, *bounds[0], *bounds[1])) else None


def _limit(stored: dict[str, Any], master: Sequence[Decimal], tenant: Sequence[Decimal]) -> None:
    """Puts the tightest of each limit of an entry in the follower's place, with whose they are."""
    limits = [
        (name, tightest(name, follower=Decimal(stored[name]), master=of[0], tenant=of[1]))
        for name, of in zip(ENTRY_LIMITS, zip(master, tenant, strict=True), strict=True)
    ]
    stored |= {name: limit.value for name, limit in limits}
    stored["max_positions"] = int(stored["max_positions"])
    stored["bounded_by"] = bounded_by(limits)


def _bounds(of: Any, prefix: str, names: Sequence[str]) -> list[Decimal]:
    return [plain(Decimal(getattr(of, prefix + name))) for name in names]


def _rows(text: str) -> list[list[Any]]:
    return _rows_of(text) if text else []
