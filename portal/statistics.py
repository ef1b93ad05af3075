"""The statistics of a master as pages name and show them, in the order in which they are listed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.domain.periods import Period


class Kind(StrEnum):
    """How a figure is written."""

    CHANGE = "change"  # a fraction that gains or loses
    PERCENT = "percent"
    GAIN = "gain"  # money that was won or lost
    MONEY = "money"
    RATIO = "ratio"
    NUMBER = "number"
    SPAN = "span"
    TIME = "time"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Statistic:
    """`name` is the column of `MasterStats` and, save for times, the field of `GET /copytrade/master/stats`."""

    name: str
    label: Promise
    kind: Kind
    hint: Promise


STATISTICS: Final = (
    Statistic(
        "roi", _("Return"), Kind.CHANGE, _("What the account made in the period against what it held at its start.")
    ),
    Statistic(
        "twr",
        _("Time-weighted return"),
        Kind.CHANGE,
        _("Daily returns chained: deposits and withdrawals do not count."),
    ),
    Statistic(
        "pnl", _("Closed result"), Kind.GAIN, _("Profit, commission and storage of the trades that were closed.")
    ),
    Statistic("max_drawdown", _("Largest drawdown"), Kind.PERCENT, _("The deepest fall below an earlier peak.")),
    Statistic(
        "risk_score", _("Risk score"), Kind.SCORE, _("1 is calm, 10 is wild; from volatility and largest drawdown.")
    ),
    Statistic("win_rate", _("Win rate"), Kind.PERCENT, _("Closed trades with a net profit, of all closed trades.")),
    Statistic("profit_factor", _("Profit factor"), Kind.RATIO, _("All that was won, divided by all that was lost.")),
    Statistic("trades", _("Closed trades"), Kind.NUMBER, _("How many trades were closed in the period.")),
    Statistic("profit_trades", _("Winning trades"), Kind.NUMBER, _("Closed trades with a net profit.")),
    Statistic("loss_trades", _("Losing trades"), Kind.NUMBER, _("Closed trades without a net profit.")),
    Statistic("avg_pnl_per_trade", _("Average result"), Kind.GAIN, _("Closed result per closed trade.")),
    Statistic("best_trade", _("Best trade"), Kind.GAIN, _("The largest net result of one closed trade.")),
    Statistic("worst_trade", _("Worst trade"), Kind.GAIN, _("The smallest net result of one closed trade.")),
    Statistic("weekly_trades", _("Trades a week"), Kind.RATIO, _("Closed trades for each seven days.")),
    Statistic("avg_holding_time", _("Holding time"), Kind.SPAN, _("How long a trade is open on average.")),
    Statistic("sharp_ratio", _("Sharpe ratio"), Kind.RATIO, _("Mean daily return against its spread, over a year.")),
    Statistic("sortino_ratio", _("Sortino ratio"), Kind.RATIO, _("As Sharpe, but only falls count as spread.")),
    Statistic("followers", _("Followers"), Kind.NUMBER, _("Accounts of others that copy it now.")),
    Statistic("aum", _("Money following"), Kind.MONEY, _("Equity of the accounts that copy it now.")),
    Statistic(
        "followers_return", _("Followers' return"), Kind.CHANGE, _("What the followers' money really made by copying.")
    ),
    Statistic(
        "followers_gap",
        _("Followers' gap"),
        Kind.CHANGE,
        _("The followers' return less the master's time-weighted return."),
    ),
    Statistic("last_trade_at", _("Last trade"), Kind.TIME, _("When the last trade of the period was closed.")),
)

BY_NAME: Final = {statistic.name: statistic for statistic in STATISTICS}

PERIODS: Final[dict[Period, Promise]] = {
    Period.WEEK: _("7 days"),
    Period.MONTH: _("30 days"),
    Period.QUARTER: _("90 days"),
    Period.YEAR: _("1 year"),
    Period.ALL: _("All time"),
}
USUAL_PERIOD: Final = Period.MONTH
