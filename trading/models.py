"""Instruments, quotes, orders, trades and account events."""

from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount
from core.contracts import AssetClass, Variant
from core.states import EventKind, OrderStatus, Origin, Reason, Side, TradeState
from infra.fields import CurrentXact, ExactDecimalField, NextTicket, Xid8Field
from infra.tenancy import TenantModel
from trading.domain.storage import TRIPLE_DAY


class Feed(models.TextChoices):
    """Where an instrument's quotes come from."""

    NONE = "NONE"  # posted by API or a recorded feed
    SIMULATED = "SIMULATED"  # the built-in simulation, always labelled as such


class Instrument(TenantModel):
    """What can be traded in a tenant. Volumes in lots, `lot_step` a multiple of 0.01 (D27)."""

    symbol = models.CharField(max_length=32)
    description = models.CharField(max_length=255, blank=True)
    asset_class = models.CharField(max_length=8, choices=[(c, c) for c in AssetClass])
    family = models.CharField(max_length=32, blank=True)
    variant = models.CharField(max_length=8, choices=[(v, v) for v in Variant], default=Variant.STANDARD)
    contract_size = ExactDecimalField()
    tick_size = ExactDecimalField()
    tick_value = ExactDecimalField()
    digits = models.PositiveSmallIntegerField()
    profit_currency = models.CharField(max_length=8, default="USD")
    lot_min = ExactDecimalField()
    lot_max = ExactDecimalField()
    lot_step = ExactDecimalField()
    margin_percent = ExactDecimalField(default=1)
    margin_per_lot = ExactDecimalField(default=0)
    stale_quote_seconds = models.PositiveIntegerField(default=0)
    sessions = models.CharField(max_length=255, default="24/7")
    feed = models.CharField(max_length=16, choices=Feed.choices, default=Feed.NONE)
    feed_paused = models.BooleanField(default=False)  # posted quotes silence the simulation until `feed` is set again
    trade_enabled = models.BooleanField(default=True)
    # Storage of a night, see domain.storage: points of 10^-digits per lot; the day whose night counts three times.
    swap_long = ExactDecimalField(default=0)
    swap_short = ExactDecimalField(default=0)
    swap_triple_day = models.PositiveSmallIntegerField(default=TRIPLE_DAY)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "symbol"], name="instrument_symbol_once"),
            models.CheckConstraint(
                condition=Q(contract_size__gt=0, tick_size__gt=0, tick_value__gt=0), name="instrument_sizes"
            ),
            models.CheckConstraint(
                condition=Q(lot_step__gt=0, lot_min__gt=0, lot_max__gte=models.F("lot_min")), name="instrument_lots"
            ),
        ]


class Quote(TenantModel):
    """The last quote of an instrument. Redis carries only frames; this row is what trades are filled at."""

    instrument = models.OneToOneField(Instrument, on_delete=models.CASCADE, primary_key=True)
    bid = ExactDecimalField()
    ask = ExactDecimalField()
    at = models.DateTimeField()
    source = models.CharField(max_length=16)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(bid__gt=0, ask__gte=models.F("bid")), name="quote_bid_ask")]


class Order(TenantModel):
    """An instruction and what became of it. Refused instructions that carry a client id are kept as well, so that the
    same id always gets the same answer."""

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    client_order_id = models.CharField(max_length=80, null=True)  # noqa: DJ001 - most orders have none, and it is unique
    request_hash = models.CharField(max_length=64, blank=True, default="")
    # OPEN, CLOSE, PLACE, MODIFY, CANCEL, TRIGGER or REFUSED
    intent = models.CharField(max_length=8)
    instrument_id = models.BigIntegerField(null=True)
    side = models.CharField(max_length=4, choices=[(s, s) for s in Side])
    volume = ExactDecimalField()
    status = models.CharField(max_length=8, choices=[(s, s) for s in OrderStatus])
    origin = models.CharField(max_length=8, choices=[(o, o) for o in Origin])
    refusal = models.CharField(max_length=40, blank=True, default="")
    trade_id = models.BigIntegerField(null=True)  # the ticket it opened or closed
    price = ExactDecimalField(null=True)
    quote_bid = ExactDecimalField(null=True)
    quote_ask = ExactDecimalField(null=True)
    answer = models.TextField(blank=True, default="")  # the acknowledgement, for a repeated client id
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"],
                condition=Q(client_order_id__isnull=False),
                name="order_client_id_once",
            )
        ]


class Trade(TenantModel):
    """A record of an account: a pending order, an open or closed ticket, a closed part split off, or a balance operation.

    `volume` in lots, prices in the instrument's profit currency, money in account currency.
    `conversion_rate` is the rate profit currency -> account currency used at the close. `api_data` is JSON text about a
    balance operation, such as the reward that it belongs to; empty for everything else.
    """

    id = models.BigIntegerField(primary_key=True, db_default=NextTicket())
    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False)
    instrument_id = models.BigIntegerField(null=True)
    symbol = models.CharField(max_length=32, blank=True)
    digits = models.PositiveSmallIntegerField(default=0)
    cmd = models.SmallIntegerField()
    state = models.SmallIntegerField(choices=[(s.value, s.name) for s in TradeState])
    reason = models.SmallIntegerField(default=Reason.CLIENT)
    copied = models.BooleanField(default=False)
    volume = ExactDecimalField(default=0)
    open_price = ExactDecimalField(default=0)
    close_price = ExactDecimalField(default=0)
    sl = ExactDecimalField(default=0)
    tp = ExactDecimalField(default=0)
    profit = ExactDecimalField(default=0)
    commission = ExactDecimalField(default=0)
    storage = ExactDecimalField(default=0)
    conversion_rate = ExactDecimalField(null=True)
    parent_id = models.BigIntegerField(null=True)
    comment = models.CharField(max_length=255, blank=True, default="")
    api_data = models.TextField(blank=True, default="", db_default="")
    open_at = models.DateTimeField()
    close_at = models.DateTimeField(null=True)
    expiration_at = models.DateTimeField(null=True)  # pending orders only

    class Meta:
        indexes = [
            models.Index(fields=["account", "id"], name="trade_open_of_account", condition=Q(state=TradeState.OPEN)),
            models.Index(fields=["account", "-open_at", "-id"], name="trade_of_account"),
            models.Index(
                fields=["account", "close_at"],
                name="trade_closed_of_account",
                condition=Q(state__in=(TradeState.CLOSED, TradeState.CLOSED_PART), cmd__in=(0, 1)),
            ),
            # What the market reaches first, of every command and symbol: see services.triggers.
            models.Index(
                fields=["instrument_id", "cmd", "open_price"],
                name="trade_pending_by_price",
                condition=Q(state=TradeState.OPEN, cmd__in=(2, 3, 4, 5), copied=False),
            ),
            models.Index(
                fields=["instrument_id", "cmd", "sl"],
                name="trade_open_by_sl",
                condition=Q(state=TradeState.OPEN, cmd__in=(0, 1), sl__gt=0),
            ),
            models.Index(
                fields=["instrument_id", "cmd", "tp"],
                name="trade_open_by_tp",
                condition=Q(state=TradeState.OPEN, cmd__in=(0, 1), tp__gt=0),
            ),
            models.Index(
                fields=["expiration_at"],
                name="trade_pending_by_expiration",
                condition=Q(state=TradeState.OPEN, expiration_at__isnull=False, copied=False),
            ),
            models.Index(  # who holds a symbol: see services.margin
                fields=["instrument_id", "account"],
                name="trade_open_by_instrument",
                condition=Q(state=TradeState.OPEN, cmd__in=(0, 1)),
            ),
        ]


class AccountEvent(TenantModel):
    """One change of one trade, or of the balance. `seq` has no gaps per account; enough to decide a copy from.

    `equity` and `balance` are those before the change; volumes are the ticket's in lots; stops, `cmd` and expiration are
    the ticket's after it. `price` is where it was filled; for PLACE and MODIFY the ticket's own price; for CANCEL 0, or
    where it was filled when a netting position took the order in. `order_id` names the order that caused it. `xid` lets
    consumers read in commit order.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=[(k, k) for k in EventKind])
    origin = models.CharField(max_length=8, choices=[(o, o) for o in Origin])
    trade_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    instrument_id = models.BigIntegerField(null=True)
    symbol = models.CharField(max_length=32, blank=True)
    side = models.CharField(max_length=4, blank=True)
    volume_before = ExactDecimalField(default=0)
    volume_after = ExactDecimalField(default=0)
    price = ExactDecimalField(default=0)
    bid = ExactDecimalField(default=0)
    ask = ExactDecimalField(default=0)
    sl = ExactDecimalField(default=0)
    tp = ExactDecimalField(default=0)
    cmd = models.SmallIntegerField(null=True)  # the ticket's, so that pending orders can be told and rebuilt
    expiration_at = models.DateTimeField(null=True)
    equity = ExactDecimalField()
    balance = ExactDecimalField()
    at = models.DateTimeField()
    xid = Xid8Field(db_default=CurrentXact())

    class Meta:
        # Explain looks up the events of a leader's trade. Copies, by far the most, are left out: nobody copies a copy.
        indexes = [
            models.Index(
                fields=["trade_id"],
                name="account_event_of_trade",
                condition=~Q(origin=Origin.COPY) & Q(trade_id__isnull=False),
            )
        ]
        constraints = [models.UniqueConstraint(fields=["account", "seq"], name="account_event_seq_once")]


class DailyQuote(TenantModel):
    """The quote of an instrument at the end of a trading day: the one that the day's storage and equity are priced at.

    `at` is when it was made. Never changed.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    bid = ExactDecimalField()
    ask = ExactDecimalField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "day"], name="daily_quote_once")]


class DayEnd(TenantModel):
    """How far the end of a trading day has come: all accounts up to `last_account_id` are done."""

    day = models.DateField()
    boundary_at = models.DateTimeField()
    last_account_id = models.BigIntegerField(default=0)
    accounts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id", "day"], name="day_end_once")]


class StorageCharge(TenantModel):
    """What one night added to the storage of one open ticket, in account currency, negative when it cost. Never changed.

    `points` is the rate of the instrument then, `nights` how often it counted, `conversion_rate` that of the profit
    currency into the account's.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False)
    trade_id = models.BigIntegerField()
    day = models.DateField()
    nights = models.PositiveSmallIntegerField()
    points = ExactDecimalField()
    volume = ExactDecimalField()
    conversion_rate = ExactDecimalField()
    amount = ExactDecimalField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trade_id", "day"], name="storage_charge_once")]


class EquityMark(TenantModel):
    """How low and how high an account came in a day that is not over, as far as it was looked at between its events.

    Equity less what was paid in and out since the day began, not rounded. Gone once the day has its snapshot.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    low = ExactDecimalField()
    high = ExactDecimalField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="equity_mark_once")]


class EquitySnapshot(TenantModel):
    """An account at the end of a trading day, in its currency. Never changed.

    The first one is that of the day before the first deposit, as the deposit left it. `flow` is what was paid in less
    what was paid out in the day; `low` and `high` are those of the equity as if it had all been paid when the day began,
    so that a payment is neither a gain nor a loss. Events up to `event_seq` belong to the day or to earlier ones.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    at = models.DateTimeField()
    equity = ExactDecimalField()
    balance = ExactDecimalField()
    low = ExactDecimalField()
    high = ExactDecimalField()
    flow = ExactDecimalField()
    event_seq = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="equity_snapshot_once")]
