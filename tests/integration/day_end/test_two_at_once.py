"""Whoever ends a day holds its row: a second one leaves it alone, and nothing is done twice."""

from decimal import Decimal as D

import pytest

from infra.database import owner_connection
from tests.integration.day_end.evening import Evening
from trading.services import day_end as service

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(Exception):
    """What ends a process in the middle."""


def test_a_second_one_leaves_the_day_alone(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ACCOUNTS_MAX", 1)
    evening.instrument(swap_long=D(-10))
    accounts = [evening.account() for _ in range(3)]
    trades = [evening.open(account, "0.1", "2 10:00") for account in accounts]
    write = service.snapshots_write

    def dying(*args: object) -> None:
        raise Killed

    monkeypatch.setattr(service, "snapshots_write", dying)
    with pytest.raises(Killed):
        evening.end(2)
    monkeypatch.setattr(service, "snapshots_write", write)
    with owner_connection() as other, other.transaction():
        other.execute("SELECT set_config('app.tenant', %s, true)", [str(evening.tenant_id)])
        other.execute("SELECT 1 FROM trading_dayend FOR NO KEY UPDATE")
        assert not evening.end(2)
        assert [evening.storage(trade) for trade in trades] == [0, 0, 0]
    assert evening.end(2)
    assert [evening.storage(trade) for trade in trades] == [-1, -1, -1]
