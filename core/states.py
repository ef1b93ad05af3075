"""The numbers and words that the contract fixes for trades, accounts and copies."""

from enum import IntEnum, StrEnum


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class TicketKind(StrEnum):
    """How a ticket came or comes to its position: at once, or when the market reaches its price from the far side (limit)
    or from the near side (stop)."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"


class Cmd(IntEnum):
    """What a record on the wire is."""

    BUY = 0
    SELL = 1
    BUY_LIMIT = 2
    SELL_LIMIT = 3
    BUY_STOP = 4
    SELL_STOP = 5
    BALANCE_IN = 6
    BALANCE_OUT = 8

    @classmethod
    def of(cls, side: Side, kind: TicketKind = TicketKind.MARKET) -> "Cmd":
        """The command of a side and a kind."""
        return _COMMANDS[kind][0 if side is Side.BUY else 1]

    @property
    def side(self) -> Side:
        """The side of a trading command."""
        return Side.BUY if self in (Cmd.BUY, Cmd.BUY_LIMIT, Cmd.BUY_STOP) else Side.SELL

    @property
    def kind(self) -> TicketKind:
        """The kind of a trading command."""
        return _KINDS[self]


_COMMANDS = {
    TicketKind.MARKET: (Cmd.BUY, Cmd.SELL),
    TicketKind.LIMIT: (Cmd.BUY_LIMIT, Cmd.SELL_LIMIT),
    TicketKind.STOP: (Cmd.BUY_STOP, Cmd.SELL_STOP),
}
_KINDS = {cmd: kind for kind, pair in _COMMANDS.items() for cmd in pair}


class TradeState(IntEnum):
    OPEN = 0
    OPEN_REQUESTED = 1
    CLOSED = 3
    CLOSED_PART = 4
    DELETED = 6
    CLOSE_REQUESTED = 7


class Reason(IntEnum):
    """Who opened a record."""

    CLIENT = 0
    EXPERT = 1
    DEALER = 2
    SIGNAL = 3
    GATEWAY = 4
    MOBILE = 5
    WEB = 6
    API = 7
    RISK = 8
    COPY_REWARD = 100


class Origin(StrEnum):
    """Whose will an order carries out; guards look at it."""

    MANUAL = "MANUAL"
    COPY = "COPY"
    BOT = "BOT"
    DEALER = "DEALER"
    RISK = "RISK"


class OrderStatus(StrEnum):
    FILLED = "FILLED"
    REJECTED = "REJECTED"


class EventKind(StrEnum):
    """What changed on an account: one event per change of one trade, or of the balance.

    PLACE and CANCEL are those of a pending order, MODIFY is of a pending order or of an open ticket's stops.
    """

    OPEN = "OPEN"
    INCREASE = "INCREASE"
    REDUCE = "REDUCE"
    CLOSE = "CLOSE"
    PLACE = "PLACE"
    MODIFY = "MODIFY"
    CANCEL = "CANCEL"
    BALANCE = "BALANCE"

    @property
    def is_entry(self) -> bool:
        """Whether the change adds risk."""
        return self in (EventKind.OPEN, EventKind.INCREASE)

    @property
    def is_exit(self) -> bool:
        """Whether the change takes risk away."""
        return self in (EventKind.REDUCE, EventKind.CLOSE)


class AccountMode(StrEnum):
    REAL = "REAL"
    DEMO = "DEMO"


class PositionMode(StrEnum):
    HEDGING = "HEDGING"
    NETTING = "NETTING"


class CopyRole(StrEnum):
    NONE = "NONE"
    LEADER = "LEADER"
    FOLLOWER = "FOLLOWER"


class ManualTradingMode(IntEnum):
    DISABLED = 0
    ALLOW_NON_COPIED = 1
    ALLOW_ALL = 2


class CopyStatus(StrEnum):
    """How far a copy order came; the last three are final."""

    PENDING = "PENDING"
    SENT = "SENT"
    FILLED = "FILLED"
    REJECTED = "REJECTED"
    SKIPPED = "SKIPPED"


class LinkState(IntEnum):
    ACTIVE = 0
    CLOSED = 1
    UNTRACKED = 2
