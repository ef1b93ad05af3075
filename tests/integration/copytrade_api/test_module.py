"""R195, R197: copy trading switched off for a tenant."""

from collections.abc import Iterator

import pytest

from accounts.services import product_config_update
from copytrade.services.modules import module_check
from infra.api import views
from infra.tenancy import tenant_scope
from tests.support.copying import Cast


@pytest.fixture(autouse=True)
def _checked() -> Iterator[None]:
    before = list(views._module_checks)
    views.set_module_check(module_check)
    yield
    views._module_checks[:] = before


def test_addresses_are_closed_but_copying_can_be_ended(cast: Cast):
    master, follower = cast.house.master(cast.alice), cast.house.follower(cast.bob)
    subscription = cast.house.subscription(cast.bob, master, follower)
    with tenant_scope(cast.house.id):
        product_config_update(copy_trading=False)
    closed = (403, "MODULE_DISABLED")
    for path in ("my", "masters", "orders", "orders/1", "positions", "copied-trades", "trade-links"):
        assert cast.bob.get(f"/copytrade/{path}").error == closed
    assert cast.bob.get("/copytrade/subscriptions").error == closed
    # The module is asked before the body.
    for name in ("master", "follower", "subscription"):
        assert cast.bob.post(f"/copytrade/{name}", "no json").error == closed
        assert cast.bob.put(f"/copytrade/{name}/1", {}).error == closed
    assert cast.alice.get(f"/copytrade/master/{master.pk}/reward-policy").error == closed
    assert cast.nobody.get("/copytrade/my").error == (401, "INVALID_CUSTOMER_SESSION")
    assert cast.bob.delete(f"/copytrade/subscription/{subscription.pk}").json == {"deleted": True}
    assert cast.charlie.get("/copytrade/my").status == 200
    with tenant_scope(cast.house.id):
        product_config_update(copy_trading=True)
    assert cast.bob.get("/copytrade/my").status == 200
