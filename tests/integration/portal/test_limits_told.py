"""D19: the tightest of tenant, master and follower holds, and the form says per field what applies and whose it is."""

import re
from decimal import Decimal as D

import pytest
from django.test import Client

from accounts.models import ProductConfig
from copytrade.models import CopyMaster, CopySubscription
from infra.tenancy import tenant_scope
from tests.browser.scene import Scene
from tests.integration.portal.conftest import SignIn
from tests.integration.portal.test_subscribing import SETTINGS


@pytest.fixture
def client(sign_in: SignIn, scene: Scene) -> Client:
    return sign_in(scene.follower_email)


@pytest.fixture
def bounds(scene: Scene) -> None:
    """Each limit is asked by other people, and by one of them more tightly."""
    with tenant_scope(scene.tenant_id):
        ProductConfig.objects.update(
            copy_bound_max_positions=3, copy_bound_min_equity=D(100), copy_bound_max_loss=D(900)
        )
        CopyMaster.objects.update(bound_max_positions=5, bound_min_equity=D(400), bound_max_drawdown_percent=D(25))


def said(page: str, name: str) -> str:
    """What the form says now beneath the field of that name."""
    (note,) = re.findall(rf'id="id_{name}-limit".*?</div>', page, re.DOTALL)
    return " ".join(re.findall(r"<span data-holds=\"\w+\">(.*?)</span>", note))


def edit_place(scene: Scene) -> str:
    with tenant_scope(scene.tenant_id):
        return f"/app/copying/{CopySubscription.objects.get().pk}/edit"


@pytest.mark.usefixtures("bounds")
@pytest.mark.parametrize("page", ["follow", "edit"])
def test_d19_the_form_says_whose_limit_holds_for_each_field(client: Client, scene: Scene, page: str) -> None:
    place = f"/app/masters/{scene.second_master_login}/follow" if page == "follow" else edit_place(scene)
    text = client.get(place).content.decode()
    assert said(text, "max_positions") == "3 holds: your operator&#x27;s limit."
    assert said(text, "min_equity") == "400 holds: the master&#x27;s limit."
    assert said(text, "max_loss") == "900 holds: your operator&#x27;s limit."
    assert said(text, "max_drawdown_percent") == "25 holds: the master&#x27;s limit."
    assert said(text, "slippage_tolerance") == ""


@pytest.mark.usefixtures("bounds")
def test_d19_an_own_limit_holds_only_where_it_is_the_tightest(client: Client, scene: Scene) -> None:
    place = edit_place(scene)
    client.post(
        place, SETTINGS | {"max_positions": "2", "min_equity": "399", "max_loss": "900", "slippage_tolerance": "7"}
    )
    text = client.get(place).content.decode()
    assert said(text, "max_positions") == "Yours holds: it is as tight as your operator&#x27;s 3, or tighter."
    assert said(text, "min_equity") == "400 holds: the master&#x27;s limit."
    assert said(text, "max_loss").startswith("Yours holds")
    assert said(text, "slippage_tolerance") == "Yours holds; nobody else sets one."
    # What the form says is what copying goes by.
    (kept,) = client.get("/copytrade/my").json()["subscriptions"]
    assert kept["effective"]["max_positions"] == {"value": 2, "from": "FOLLOWER"}
    assert kept["effective"]["min_equity"] == {"value": 400, "from": "MASTER"}
    assert kept["effective"]["slippage_tolerance"] == {"value": 7, "from": "FOLLOWER"}


@pytest.mark.usefixtures("bounds")
def test_d19_before_following_the_limits_in_force_are_told_with_whose_they_are(client: Client, scene: Scene) -> None:
    with tenant_scope(scene.tenant_id):
        CopyMaster.objects.update(allowed_follower_modes=2)
    typed = SETTINGS | {"follower": scene.demo_login, "max_positions": "9", "max_loss": "50"}
    page = client.post(f"/app/masters/{scene.second_master_login}/follow", typed).content.decode()
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert facts["Open copies at most"] == "3 (your operator&#x27;s)"
    assert facts["Equity at least"] == "400 (the master&#x27;s)"
    assert facts["Loss at most, as an amount"] == "50 (yours)"
    assert "Slippage at most" not in facts


@pytest.mark.usefixtures("bounds")
def test_d19_a_form_that_came_back_says_it_of_what_was_typed(client: Client, scene: Scene) -> None:
    answer = client.post(edit_place(scene), SETTINGS | {"max_positions": "2", "min_equity": "x"})
    page = answer.content.decode()
    assert said(page, "max_positions").startswith("Yours holds")
    assert said(page, "min_equity") == "400 holds: the master&#x27;s limit."
