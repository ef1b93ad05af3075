import pytest

from accounts.directory import _name_of
from accounts.middleware import is_page


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("north.example", "north.example"),
        ("North.Example:8000", "north.example"),
        ("north.example.", "north.example"),
        ("north.example.:443", "north.example"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:8000", "[::1]"),
    ],
)
def test_a_host_is_a_name_without_port(host: str, name: str) -> None:
    assert _name_of(host) == name


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", True),
        ("/app", True),
        ("/app/masters", True),
        ("/console/", True),
        ("/apple", False),
        ("/trade/open", False),
    ],
)
def test_pages_are_told_from_the_api(path: str, page: bool) -> None:
    assert is_page(path) is page
