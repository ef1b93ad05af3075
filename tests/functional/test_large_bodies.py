"""Bodies of ten megabytes, announced and in chunks, at the real server: refused in the contract's words."""

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.support.processes import Product
from tests.support.world import Place

TEN_MEGABYTES = 10 * 1024 * 1024


def chunks() -> Iterator[bytes]:
    yield b'{"email": "'
    for _megabyte in range(10):
        yield b"x" * (TEN_MEGABYTES // 10)
    yield b'"}'


def send(product: Product, path: str, body: bytes | Iterator[bytes], token: str) -> tuple[int, str]:
    asked = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
    try:
        asked.request("POST", path, body=body, headers={"Content-Type": "application/json", "Authorization": token})
        answer = asked.getresponse()
        return answer.status, json.loads(answer.read())["error"]
    finally:
        asked.close()


@pytest.mark.slow
def test_ten_megabytes_are_refused_and_cost_nothing(product: Product, tenants: tuple[Place, Place]) -> None:
    north, _south = tenants
    web = product.web()
    token = north.owner.token
    for path in ("/customer/auth/login", "/sign/in", "/trade/open", "/manage/customers"):
        whole = b'{"email": "' + b"x" * TEN_MEGABYTES + b'"}'
        assert send(product, path, whole, token) == (413, "BODY_TOO_LARGE"), path
        assert send(product, path, chunks(), token) == (413, "BODY_TOO_LARGE"), path
    assert send(product, "/customer/auth/login", b"{", token) == (400, "INVALID_DATA")
    assert web.popen.poll() is None
