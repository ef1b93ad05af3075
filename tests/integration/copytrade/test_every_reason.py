"""Every reason that a copy order can have is brought about by what people do, and told in words over REST (X01)."""

import pytest

from tests.support.refusals import SCENES


@pytest.mark.parametrize("code", SCENES)
def test_the_reason_comes_about_and_is_told(world, api, code):
    house = SCENES[code](world)
    assert code in [order.reason for order in house.orders()]
    with house.place.scope():
        customer = house.followers[0].customer
    name = customer.email.partition("@")[0]
    person = house.place.person(name)
    rows = api(person, host=house.place.domain).get("/copytrade/orders", limit=100).rows()
    told = [row for row in rows if row["reason"] == code]
    assert told
    status = "REJECTED" if code.startswith("RET_") else "SKIPPED"
    for row in told:
        assert row["status"] == status
        assert row["detail"].endswith(".")
        assert not set("[]%") & set(row["detail"].replace(" %)", ""))
    house.prove()
