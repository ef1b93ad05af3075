"""What fails outside the views: people get a page, programs the envelope."""

import pytest
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/app/nowhere", "/console/nowhere"])
def test_a_person_gets_a_page(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_a_program_gets_the_envelope(client: Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.json()["error"] == "RET_ERR_NOTFOUND"


@pytest.mark.django_db
def test_a_form_without_its_token_gets_a_page() -> None:
    response = Client(enforce_csrf_checks=True).post(
        reverse("portal:sign-in"), {"email": "a@b.example", "password": "x"}
    )
    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")
