"""The life of a copy group as pure decisions: its status, and what becomes of it when its members change (D15, D16)."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final


class GroupCopyMode(StrEnum):
    """Whether a copy grows with the leader's trade (`copy_value` is a factor) or not (`copy_value` is lots)."""

    MULTIPLIER = "MULTIPLIER"
    FIXED = "FIXED"


class PartialExit(StrEnum):
    PROPORTIONAL = "PROPORTIONAL"
    EXIT_WITH_LEADER = "EXIT_WITH_LEADER"


class GroupStatus(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    NOT_CONFIGURED = "NOT_CONFIGURED"


class GroupPause(StrEnum):
    """Why a group rests; empty while it does not."""

    NONE = ""
    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    BREACH = "BREACH"
    NO_FOLLOWERS = "NO_FOLLOWERS"
    NO_LEADER = "NO_LEADER"


AUTOMATIC: Final = frozenset({GroupPause.NO_FOLLOWERS})
"""Pauses that end by themselves when followers are added."""
NOT_FOR_CUSTOMERS: Final = frozenset({GroupPause.STAFF, GroupPause.BREACH})
"""Pauses that no customer lifts, not even with a ticked box (D16, D20)."""


def group_status(*, has_leader: bool, pause: str) -> GroupStatus:
    """The badge of a group."""
    if not has_leader:
        return GroupStatus.NOT_CONFIGURED
    return GroupStatus.PAUSED if pause else GroupStatus.ACTIVE


def pause_after_edit(
    pause: GroupPause,
    *,
    leader_changed: bool,
    has_leader: bool,
    followers: Collection[object],
    followers_added: bool,
    reactivate: bool,
) -> GroupPause:
    """Why a group rests after a staged edit of its members.

    A group without followers rests by itself, and goes on when some are added (R157, R158). One without a leader rests
    until somebody says otherwise. A breach is the old leader's: with another leader it becomes an ordinary pause.
    """
    if pause is GroupPause.BREACH and leader_changed:
        pause = GroupPause.NO_LEADER
    if pause is GroupPause.NONE and not has_leader:
        pause = GroupPause.NO_LEADER
    if pause is GroupPause.NONE and not followers:
        return GroupPause.NO_FOLLOWERS
    if pause in NOT_FOR_CUSTOMERS or not has_leader or not followers:
        return pause
    if reactivate or (followers_added and pause in AUTOMATIC):
        return GroupPause.NONE
    return pause
