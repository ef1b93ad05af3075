"""What requests to the marketplace may say."""

from infra.api.fields import Body, IdField, WholeNumberField


class MasterQuery(Body):
    """Which master is looked at."""

    login = IdField()


class MasterTradesQuery(MasterQuery):
    """A master's trades: 0 all, 1 open, 2 closed, 3 pending; 4, balance operations, is always empty."""

    tradeType = WholeNumberField(min_value=0, max_value=4)
