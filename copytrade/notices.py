"""What a customer is told of copying that needs a look: terminals' notifications (`n`).

A notification is a hint like every frame; what it speaks of can be read at its own address.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Final, Protocol

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from copytrade import reasons
from core.clock import unix
from infra.push import Frame

_encode = msgspec.json.Encoder(decimal_format="number").encode
UNREAD: Final = 0


class Level(IntEnum):
    """How much it matters."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


class Notice(StrEnum):
    """What is told; the token of the frame."""

    FAILED_EXIT = "FAILED_EXIT"
    EXIT_GIVEN_UP = "EXIT_GIVEN_UP"
    OUT_OF_SYNC = "OUT_OF_SYNC"
    REWARD_FAILED = "REWARD_FAILED"
    REWARD_UNPAID = "REWARD_UNPAID"
    TERMS_CHANGED = "TERMS_CHANGED"
    TERMS_DEARER = "TERMS_DEARER"
    TERMS_NOT_ACCEPTED = "TERMS_NOT_ACCEPTED"


class Addressee(Protocol):
    """The account that it is about."""

    @property
    def tenant_id(self) -> int: ...
    @property
    def customer_id(self) -> int: ...
    @property
    def login(self) -> int: ...


_WORDS: Final[dict[Notice, tuple[Level, str | Promise, str | Promise]]] = {
    Notice.FAILED_EXIT: (
        Level.WARNING,
        gettext_lazy("An exit could not be made"),
        gettext_lazy(
            "Account %(login)s still holds %(lots)s lots of %(symbol)s that its leader has left. It is tried again by "
            "itself.[ Reason: %(why)s]"
        ),
    ),
    Notice.EXIT_GIVEN_UP: (
        Level.CRITICAL,
        gettext_lazy("An exit was given up"),
        gettext_lazy(
            "Account %(login)s still holds %(lots)s lots of %(symbol)s that its leader has left. It was tried for seven "
            "days; close the position by hand.[ Last reason: %(why)s]"
        ),
    ),
    Notice.OUT_OF_SYNC: (
        Level.CRITICAL,
        gettext_lazy("Copies do not agree with their leader"),
        gettext_lazy(
            "Account %(login)s should hold %(expected)s lots of %(symbol)s because of copying and holds %(held)s."
        ),
    ),
    Notice.REWARD_FAILED: (
        Level.WARNING,
        gettext_lazy("A reward could not be paid"),
        gettext_lazy(
            "Account %(login)s owes %(amount)s %(currency)s to master %(master_login)s and has not enough free margin. It is "
            "tried again every day; after seven days copying is paused."
        ),
    ),
    Notice.REWARD_UNPAID: (
        Level.CRITICAL,
        gettext_lazy("Copying is paused: rewards are not paid"),
        gettext_lazy(
            "Account %(login)s has owed %(amount)s %(currency)s to master %(master_login)s for seven days. Copying goes on by "
            "itself once it is paid."
        ),
    ),
    Notice.TERMS_CHANGED: (
        Level.INFO,
        gettext_lazy("A master has changed the terms"),
        gettext_lazy("Account %(login)s: master %(master_login)s asks other rewards from the next period on."),
    ),
    Notice.TERMS_DEARER: (
        Level.WARNING,
        gettext_lazy("A master asks higher rewards"),
        gettext_lazy(
            "Account %(login)s: master %(master_login)s asks more from the next period on. Without your acceptance the "
            "subscription ends with this period; open copies are still closed with the master."
        ),
    ),
    Notice.TERMS_NOT_ACCEPTED: (
        Level.WARNING,
        gettext_lazy("A subscription has ended: the new terms were not accepted"),
        gettext_lazy(
            "Account %(login)s copies master %(master_login)s no longer. Open copies are still closed with the master."
        ),
    ),
}


def notice_frame(account: Addressee, notice: Notice, values: Mapping[str, Any], at: datetime) -> Frame:
    """`["n", message, description, token, status, level, user_id, create_time, data]`; a `code` among the values is told
    in words, and all values are its `data`."""
    level, message, description = _WORDS[notice]
    data = {"login": account.login, **values}
    told = {**data, "why": reasons.detail(str(data.get("code", "")))}
    text = _encode(
        [
            "n", str(message), reasons.words_filled(description, told), notice.value, UNREAD, level.value,
            account.customer_id, unix(at), data,
        ]
    ).decode()  # fmt: skip
    return Frame(account.tenant_id, account.customer_id, account.login, "notice", text)
