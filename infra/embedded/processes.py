"""One child process: what it is, how it starts, how it is stopped with everything it started."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO

from infra.embedded.errors import EmbeddedError
from infra.embedded.privileges import RunAs, before_exec

_LOG_BYTES_KEPT = 10_000_000


class Output(Enum):
    """Where a child's output goes."""

    FILE = "file"
    CONSOLE_AND_FILE = "console and file"
    INHERIT = "inherit"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to run as a child.

    ``before_start`` is called before every start, also before a restart, ``after_stop`` when it has been stopped for
    good. ``is_server`` marks what others depend on: servers stop last. ``orphan_signal`` is what the kernel sends the
    child when the supervisor is killed (Linux).
    """

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    output: Output = Output.CONSOLE_AND_FILE
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    grace: float = 10.0
    is_server: bool = False
    run_as: RunAs | None = None
    before_start: Callable[[], None] | None = None
    after_stop: Callable[[], None] | None = None


def spawn(command: Command, log: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """Start ``command`` in its own session, so that a Ctrl-C reaches the supervisor only, and in its own process group.

    Call it from the main thread: the kernel ties the child's orphan signal to the thread that started it.
    """
    if command.before_start is not None:
        command.before_start()
    stdout: IO[bytes] | int | None = {
        Output.FILE: log,
        Output.CONSOLE_AND_FILE: subprocess.PIPE,
        Output.INHERIT: None,
    }[command.output]
    try:
        return subprocess.Popen(
            [os.fspath(part) for part in command.argv],
            env=None if command.env is None else dict(command.env),
            cwd=command.cwd,
            stdin=None if command.output is Output.INHERIT else subprocess.DEVNULL,
            stdout=stdout,
            stderr=None if command.output is Output.INHERIT else subprocess.STDOUT,
            # With a buffer, "nothing yet" and "the end" would look the same on a non-blocking pipe
            bufsize=0,
            start_new_session=True,
            preexec_fn=before_exec(command.orphan_signal, command.run_as),
        )
    except FileNotFoundError as error:
        raise EmbeddedError(f"{command.name} cannot start: {error.filename} does not exist.") from error
    except PermissionError as error:
        raise EmbeddedError(f"{command.name} cannot start: no permission to run {error.filename}.") from error


def signal_group(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    """Send a signal to a child and to all it started in its group; nothing happens when they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signum)


def open_log(log_dir: Path, name: str) -> IO[bytes]:
    """The log file of a child, opened for appending; one that has grown large is put aside first."""
    log_dir.mkdir(parents=True, exist_ok=True)
    path = log_dir / f"{name}.log"
    if path.exists() and path.stat().st_size > _LOG_BYTES_KEPT:
        path.replace(log_dir / f"{name}.log.1")
    return path.open("ab", buffering=0)


def last_line(log_dir: Path, name: str) -> str:
    """The last line in a child's log that says something, for an error message."""
    try:
        with (log_dir / f"{name}.log").open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 8192))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
