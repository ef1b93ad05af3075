"""What an instance keeps next to its data: the lock, the secret key, and the addresses of what runs."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from infra.embedded.errors import EmbeddedError


@contextlib.contextmanager
def instance_lock(state: Path) -> Iterator[None]:
    """Hold ``state`` for this process alone. The kernel lets go of it however the process ends."""
    state.mkdir(parents=True, exist_ok=True)
    with _open_lock(state) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"Already running with its data in {state}: stop that one first.") from None
        try:
            yield
        finally:
            _instance_file(state).unlink(missing_ok=True)


def is_running(state: Path) -> bool:
    """Whether some process holds ``state``."""
    if not (state / "lock").exists():
        return False
    with _open_lock(state) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _open_lock(state: Path) -> IO[str]:
    return (state / "lock").open("a")


def _instance_file(state: Path) -> Path:
    return state / "instance.json"


def publish_urls(state: Path, urls: Mapping[str, str]) -> None:
    """Make the addresses known to ``read_urls``; readable only for the user, as a given URL may hold a password."""
    path = _instance_file(state)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dict(urls), file, indent=2)


def read_urls(state: Path) -> dict[str, str]:
    """The addresses of the instance that runs on ``state``."""
    if is_running(state):
        with contextlib.suppress(FileNotFoundError):
            found: dict[str, str] = json.loads(_instance_file(state).read_text())
            return found
    raise EmbeddedError(f"Nothing is running with its data in {state}.")


def secret_key(state: Path) -> str:
    """The SECRET_KEY of this instance, made at the first call."""
    path = state / "secret_key"
    with contextlib.suppress(FileNotFoundError):
        if kept := path.read_text().strip():
            return kept
        path.unlink()
    key = secrets.token_urlsafe(48)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key)
    return key
