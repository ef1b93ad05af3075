"""The addresses of the embedded servers mean the same to every client."""

from pathlib import Path

import environ
import pytest
from kombu.utils.url import url_to_parts
from redis.connection import parse_url

from infra.embedded.urls import celery_broker_url, postgres_url, valkey_url, without_password


def test_django_reads_the_socket_folder_from_the_database_url() -> None:
    found = environ.Env.db_url_config(postgres_url(Path("/run/some where/pg"), "copytrade"))

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["NAME"], found["USER"]) == ("copytrade", "postgres")
    assert found["OPTIONS"] == {"host": "/run/some where/pg"}


def test_redis_py_reads_the_socket_from_the_redis_url() -> None:
    found = parse_url(valkey_url(Path("/run/x/valkey.sock")))

    assert found["path"] == "/run/x/valkey.sock"
    assert found["db"] == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("unix:///run/x/valkey.sock?db=3", "redis+socket:///run/x/valkey.sock?virtual_host=3"),
        ("unix:///run/x/valkey.sock", "redis+socket:///run/x/valkey.sock?virtual_host=0"),
        ("unix://:secret@/run/valkey.sock?db=1", "redis+socket://:secret@/run/valkey.sock?virtual_host=1"),
        ("redis://127.0.0.1:6379/9", "redis://127.0.0.1:6379/9"),
        ("rediss://u:p@cache.example/0?ssl_cert_reqs=required", "rediss://u:p@cache.example/0?ssl_cert_reqs=required"),
    ],
)
def test_celery_gets_the_same_server_in_its_own_form(given: str, expected: str) -> None:
    assert celery_broker_url(given) == expected


def test_kombu_finds_the_path_and_database_in_the_broker_url() -> None:
    parts = url_to_parts(celery_broker_url("unix:///run/x/valkey.sock?db=3").removeprefix("redis+"))

    assert (parts.scheme, parts.path, parts.query) == ("socket", "run/x/valkey.sock", {"virtual_host": "3"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "postgres://me:secret@db.example:5432/x?sslmode=require",
            "postgres://me:***@db.example:5432/x?sslmode=require",
        ),
        ("postgres://me@/x?host=/run/pg", "postgres://me@/x?host=/run/pg"),
        ("redis://:se@cret@cache/0", "redis://:***@cache/0"),
        ("unix:///run/valkey.sock?db=0&password=secret", "unix:///run/valkey.sock?db=0&password=***"),
        ("redis://127.0.0.1:6379/9", "redis://127.0.0.1:6379/9"),
    ],
)
def test_a_shown_url_has_no_password(given: str, expected: str) -> None:
    assert without_password(given) == expected
