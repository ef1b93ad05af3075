"""Where it is measured: a database, a Redis database and processes of its own, gone when it ends."""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import psutil
import psycopg
import redis
from psycopg import sql

from infra.embedded import product
from infra.embedded.processes import Command, Output, open_log, signal_group, spawn

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "var" / "bench"


class BenchmarkError(Exception):
    """Something a person must know or do, said in one sentence."""


@contextlib.contextmanager
def own_database(url: str) -> Iterator[str]:
    """The URL of a new database on the same server; dropped at the end, whoever still uses it."""
    name = f"copytrade_bench_{os.getpid()}"
    server = urlsplit(url)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        if connection.execute("SHOW synchronous_commit").fetchone() != ("on",):
            raise BenchmarkError("The server has synchronous_commit off: what it says is durable is not.")
        row = connection.execute(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        if row != (True,):
            raise BenchmarkError("The user of DATABASE_URL must bypass row level security: COPY, the floor, needs it.")
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def own_redis(url: str) -> Iterator[str]:
    """The URL of an empty database of the same Redis; emptied at the end."""
    for number in range(15, -1, -1):
        own = _redis_database(url, number)
        with redis.Redis.from_url(own, socket_connect_timeout=5) as client:
            try:
                if client.dbsize():
                    continue
            except redis.ResponseError:
                continue  # fewer databases than usual
            try:
                yield own
            finally:
                client.flushdb()
            return
    raise BenchmarkError("Redis has no empty database left.")


def _redis_database(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return parts._replace(path=f"/{number}").geturl()
    query = urlencode({**dict(parse_qsl(parts.query)), "db": str(number)})
    # not by urlunsplit, which leaves out an empty host and its slashes
    return f"unix://{parts.netloc}{parts.path}?{query}"


class Processes:
    """The measured processes, by name; their output goes to files."""

    def __init__(self, env: Mapping[str, str], *, workers: int) -> None:
        self.port, self.skeleton_port = free_port(), free_port()
        env = {**env, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
        # One Redis holds both; the skeleton's channel has a name of its own
        commands = {command.name: command for command in product.commands("127.0.0.1", self.port, env)}
        self._commands, self._env = commands, env
        started = [commands["web"]]
        daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.skeleton_port), "-v", "0", "--no-server-name"]
        started += [
            _command("skeleton-web", [sys.executable, *daphne, "benchmarks.skeleton.asgi:application"], env),
            _command("skeleton-listener", [sys.executable, "-m", "benchmarks.skeleton.listener"], env),
        ]
        self._children: dict[str, Any] = {}
        for command in started:
            self._start(command)
        self.copiers_raise(workers)

    def _start(self, command: Command) -> None:
        with open_log(OUTPUT / "log", command.name) as log:
            self._children[command.name] = spawn(_to_file(command), log)

    def copiers_raise(self, workers: int) -> None:
        """Starts copy workers until there are so many; they may take some seconds to listen."""
        for number in range(len(self.copiers), workers):
            argv = [f"copy{number}@%h" if part == "copy@%h" else part for part in self._commands["copy"].argv]
            self._start(_command(f"copy{number}", argv, self._env))

    def background_start(self) -> None:
        """Starts the worker for everything slow and the clock that wakes it, as `make run` does."""
        schedule = str(OUTPUT / "schedule")
        for name in ("default", "beat"):
            command = self._commands[name]
            argv = [schedule if str(part).endswith("/beat/schedule") else part for part in command.argv]
            self._start(_command(name, argv, self._env))

    @property
    def copiers(self) -> list[str]:
        """The names of the copy workers."""
        return [name for name in self._children if name.startswith("copy")]

    def pid(self, name: str) -> int:
        return int(self._children[name].pid)

    def check(self) -> None:
        """Says which process has ended that should not."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise BenchmarkError(f"The process {name} has ended (see {OUTPUT / 'log' / name}.log).")

    def cpu_seconds(self, names: Sequence[str]) -> float:
        """What the named processes have used of the CPU so far, their children included."""
        return sum(sum(p.cpu_times()[:2]) for name in names for p in self._tree(name))

    def memory_bytes(self, names: Sequence[str]) -> int:
        """The resident memory of the named processes."""
        return sum(int(p.memory_info().rss) for name in names for p in self._tree(name))

    def _tree(self, name: str) -> list[psutil.Process]:
        process = psutil.Process(self.pid(name))
        return [process, *process.children(recursive=True)]

    def stop(self) -> None:
        """Ends them all, with everything they have started."""
        for child in self._children.values():
            signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for child in self._children.values():
            with contextlib.suppress(Exception):
                child.wait(max(0.1, deadline - time.monotonic()))
            signal_group(child, signal.SIGKILL)
            child.wait()


def _command(name: str, argv: Sequence[str | Path], env: Mapping[str, str]) -> Command:
    return Command(name=name, argv=argv, env=env, cwd=ROOT)


def _to_file(command: Command) -> Command:
    return Command(name=command.name, argv=command.argv, env=command.env, cwd=command.cwd, output=Output.FILE)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
