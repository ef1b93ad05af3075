"""Starts the servers nobody has given."""

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.errors import EmbeddedError
from infra.embedded.postgres import PostgresServer
from infra.embedded.supervisor import Supervisor
from infra.embedded.valkey import ValkeyServer

_SCHEMES = {
    "DATABASE_URL": ("postgres://", "postgresql://"),
    "REDIS_URL": ("redis://", "rediss://", "unix://"),
}

# A fresh cluster takes 40 MB, its write-ahead log up to a few hundred while the demo is made
_FREE_BYTES_NEEDED = 500_000_000


def start_servers(supervisor: Supervisor, state: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """DATABASE_URL and REDIS_URL: as given in ``environ``, else of servers started here on ``state``."""
    urls = {name: environ[name] for name in _SCHEMES if environ.get(name)}
    for name, url in urls.items():
        if not url.startswith(_SCHEMES[name]):
            raise EmbeddedError(f"{name} must begin with {' or '.join(_SCHEMES[name])}.")
    if "DATABASE_URL" not in urls:
        check_free_space(state)
        urls["DATABASE_URL"] = _start(supervisor, PostgresServer(state / "postgres"))
    if "REDIS_URL" not in urls:
        urls["REDIS_URL"] = _start(supervisor, ValkeyServer(state / "valkey"))
    return urls


def _start(supervisor: Supervisor, server: PostgresServer | ValkeyServer) -> str:
    supervisor.start_and_wait(server.command(), server.is_ready, server.start_timeout)
    return server.url


def check_free_space(state: Path) -> None:
    """Say so before a full disk stops something half-way."""
    state.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(state).free
    if free < _FREE_BYTES_NEEDED:
        raise EmbeddedError(
            f"The disk is full: {free // 1_000_000} MB are free at {state}, "
            f"{_FREE_BYTES_NEEDED // 1_000_000} are needed."
        )


def sentence_for(error: OSError) -> str:
    """What an error of the operating system means to a person."""
    if error.errno == errno.ENOSPC:
        return "The disk is full: make room and start again."
    place = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return f"{error.strerror or error}{place}."
