"""What requests to the marketplace may say."""

from infra.api.fields import Body, IdField, TextChoiceField, WholeNumberField
from marketplace.domain.periods import Period


class MasterQuery(Body):
    """Which master is looked at."""

    login = IdField()


class MasterTradesQuery(MasterQuery):
    """A master's trades: 0 all, 1 open, 2 closed, 3 pending; 4, balance operations, is always empty."""

    tradeType = WholeNumberField(min_value=0, max_value=4)


class MasterStatsQuery(MasterQuery):
    """Which master's figures are asked for, and of which period."""

    period = TextChoiceField(Period)


class PeriodQuery(Body):
    """The period of the figures in a list of masters, 30D unless written; both names are known."""

    period = TextChoiceField(Period, required=False)
    stats_period = TextChoiceField(Period, required=False)
