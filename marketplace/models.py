"""What is kept of masters' results: the sums of an account's days, and the figures of each master and period."""

from typing import Final

from django.db import models
from django.db.models import Q

from accounts.models import TradingAccount
from copytrade.models import CopyMaster
from infra.fields import ExactDecimalField
from infra.tenancy import TenantModel
from marketplace.domain.periods import Period


class AccountDay(TenantModel):
    """The closed market trades of an account in one symbol on one trading day, by the time of their close.

    Each closed record once, parts split off too. `pnl` is profit + commission + storage in account currency,
    `gross_profit` and `gross_loss` its positive and negative part, `best` and `worst` those of one record; `volume` in
    lots. Made of the trades and nothing else, so it can be made again. Belongs to the account: a profile that ends takes
    nothing along.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False)
    day = models.DateField()
    symbol = models.CharField(max_length=32)
    trades = models.PositiveIntegerField()
    profit_trades = models.PositiveIntegerField()
    loss_trades = models.PositiveIntegerField()
    pnl = ExactDecimalField()
    gross_profit = ExactDecimalField()
    gross_loss = ExactDecimalField()
    best = ExactDecimalField()
    worst = ExactDecimalField()
    volume = ExactDecimalField()
    holding_seconds = ExactDecimalField()
    last_close_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "day", "symbol"], name="account_day_once")]


class StatsCursor(TenantModel):
    """How far a master's account is counted: the only progress there is, moved in the transaction that counts.

    `event_seq` is the last account event that the days and figures know of (-1: nothing was counted yet), `day` the last
    closed trading day, `refreshed_at` when the figures were made. Without a `living` profile they rest as they were at
    its end.
    """

    account = models.OneToOneField(TradingAccount, on_delete=models.PROTECT, primary_key=True)
    event_seq = models.BigIntegerField(default=-1)
    day = models.DateField(null=True)
    living = models.BooleanField(default=True)
    refreshed_at = models.DateTimeField(null=True)


class StatsChange(TenantModel):
    """Something other than its own events that changes an account's figures: a profile or a follower came, went or was
    changed, or its open positions moved on. Written by whoever knows of it, taken away by the transaction that makes the
    figures; nobody waits for either.
    """

    account = models.ForeignKey(TradingAccount, on_delete=models.PROTECT, db_index=False)


class FollowersDay(TenantModel):
    """What a master's followers had and won on one closed trading day, in the master's currency (X03).

    `capital` is the equity with which their accounts began the day, `result` what was booked on their copies less the
    rewards; `slippage`, `fees` and `skipped` are what each of these took away, negative where it gave. See
    docs/algorithms/followers.md.
    """

    master = models.ForeignKey(CopyMaster, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    followers = models.PositiveIntegerField()
    capital = ExactDecimalField()
    result = ExactDecimalField()
    slippage = ExactDecimalField()
    fees = ExactDecimalField()
    skipped = ExactDecimalField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["master", "day"], name="followers_day_once")]


class FollowersReach(TenantModel):
    """How far the days of a tenant's followers are counted, and how far masters' figures show them."""

    counted = models.DateField(null=True)
    shown = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant_id"], name="followers_reach_one_per_tenant")]


RANKED: Final = (
    "roi", "twr", "equity_start", "win_rate", "avg_pnl_per_trade", "best_trade", "worst_trade", "profit_factor",
    "max_drawdown", "avg_holding_time", "last_trade_at", "sharp_ratio", "sortino_ratio", "risk_score",
    "followers_return", "followers_gap",
)  # fmt: skip
"""Figures that may be undefined; in a ranking those stand last."""
COUNTED: Final = (
    "pnl", "equity_end", "trades", "profit_trades", "loss_trades", "followers", "aum", "weekly_trades",
)  # fmt: skip
"""Figures that always have a value."""


class MasterStats(TenantModel):
    """The figures of one master for one period, as of `updated_at`. Null is undefined, which is not zero.

    Names, units and definitions are those of `GET /copytrade/master/stats`, see docs/algorithms/statistics.md; money in
    the master's account currency, ratios as fractions, `avg_holding_time` in seconds, `days` the closed trading days
    between the first and the last snapshot. `listed` says that the profile can be found by everybody: rankings are read
    by it, and ask the profile itself all the same.
    """

    master = models.ForeignKey(CopyMaster, on_delete=models.PROTECT, related_name="stats", db_index=False)
    period = models.CharField(max_length=4, choices=[(p.value, p.value) for p in Period])
    listed = models.BooleanField(default=False)
    pnl = ExactDecimalField(default=0)
    roi = ExactDecimalField(null=True)
    twr = ExactDecimalField(null=True)
    equity_start = ExactDecimalField(null=True)
    equity_end = ExactDecimalField(default=0)
    trades = models.PositiveIntegerField(default=0)
    profit_trades = models.PositiveIntegerField(default=0)
    loss_trades = models.PositiveIntegerField(default=0)
    win_rate = ExactDecimalField(null=True)
    avg_pnl_per_trade = ExactDecimalField(null=True)
    best_trade = ExactDecimalField(null=True)
    worst_trade = ExactDecimalField(null=True)
    profit_factor = ExactDecimalField(null=True)
    max_drawdown = ExactDecimalField(null=True)
    followers = models.PositiveIntegerField(default=0)
    aum = ExactDecimalField(default=0)
    weekly_trades = ExactDecimalField(default=0)
    avg_holding_time = ExactDecimalField(null=True)
    last_trade_at = models.DateTimeField(null=True)
    sharp_ratio = ExactDecimalField(null=True)
    sortino_ratio = ExactDecimalField(null=True)
    volatility = ExactDecimalField(null=True)
    risk_score = models.PositiveSmallIntegerField(null=True)
    days = models.PositiveIntegerField(default=0)
    # The followers' own result and what lies between it and the master's.
    followers_return = ExactDecimalField(null=True)
    followers_gap = ExactDecimalField(null=True)
    gap_slippage = ExactDecimalField(null=True)
    gap_fees = ExactDecimalField(null=True)
    gap_skipped = ExactDecimalField(null=True)
    gap_other = ExactDecimalField(null=True)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["master", "period"], name="master_stats_once")]
        # Each serves both directions, see `Ranking`: every index more is written with every row.
        indexes = [
            models.Index(
                fields=["tenant_id", "period", name, "master"], name=f"stats_by_{name}", condition=Q(listed=True)
            )
            for name in (*RANKED, *COUNTED)
        ]
