"""The product's real processes, on the test's own database and a Redis database of their own.

    with running(tmp_path) as product:
        worker = product.copy_worker()
        worker.kill()            # SIGKILL, as a crash
        product.redis.flushdb()
        product.copy_worker()

Everything that was started is killed at the end, whatever happens. Outputs are kept in the given folder; the end of
them is shown when something does not come up.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from django.db import connection

from tests.support.nursery import Forked, Nursery, nursery_for

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
"""A machine that runs several test processes takes its time to start one more."""

_CELERY = ["-W", "ignore:You're running the worker with superuser", "-m", "celery", "-A", "config", "--quiet"]
_ALONE = ["--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"]


def wait_until(condition: Callable[[], object], seconds: float, what: str, every: float = 0.02) -> float:
    """Waits for `condition` to be true and gives the seconds that took; fails with `what` when it does not happen."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
    return time.monotonic() - began


@dataclass
class Process:
    """One process and where its output goes."""

    name: str
    popen: "subprocess.Popen[bytes] | Forked"
    log: Path

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(timeout=60)

    def said(self, text: str) -> bool:
        """Whether the output has `text`. A process that has ended early is an error."""
        if self.popen.poll() is not None:
            raise AssertionError(f"{self.name} has ended with {self.popen.returncode}:\n{self.tail()}")
        return text in self.log.read_text(errors="replace")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


@dataclass
class Product:
    """What runs. Each kind can be started as often as a test likes."""

    folder: Path
    env: dict[str, str]
    redis: "redis.Redis"
    port: int = 0
    processes: list[Process] = field(default_factory=list)
    nursery: Nursery | None = None
    faults: dict[str, int] = field(default_factory=dict)

    def arm(self, place: str, passage: int = 1) -> None:
        """The next process that is started dies at its `passage`-th time at `place`. Needs a quick product."""
        assert self.nursery is not None
        self.faults[place] = passage

    @property
    def address(self) -> str:
        """`127.0.0.1:<port>` of the web process."""
        return f"127.0.0.1:{self.port}"

    def web(self) -> Process:
        """daphne, answering."""
        self.port = free_port()
        arguments = ["-b", "127.0.0.1", "-p", str(self.port), "-v", "1", "config.asgi:application"]
        process = self._start("web", ["-m", "daphne", *arguments])

        def ready() -> bool:
            process.said("")
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as asked:
                try:
                    asked.request("GET", "/health/ready")
                    return asked.getresponse().status == 200
                except OSError:
                    return False

        self._wait(process, ready)
        return process

    def copy_worker(self) -> Process:
        """A worker with the doorbell, ready."""
        return self._worker("copy")

    def default_worker(self) -> Process:
        return self._worker("default")

    def beat(self) -> Process:
        schedule = str(self.folder / "schedule")
        process = self._start("beat", [*_CELERY, "beat", "-s", schedule, "--pidfile=", "-l", "INFO"])
        self._wait(process, lambda: process.said("beat: Starting"))
        return process

    def market(self) -> Process:
        """The market process; started, not waited for."""
        return self._start("market", ["manage.py", "run_market"])

    def _worker(self, queue: str) -> Process:
        process = self._start(
            queue, [*_CELERY, "worker", "-Q", queue, "-n", f"{queue}{len(self.processes)}@%h", *_ALONE]
        )
        self._wait(process, lambda: process.said(" ready."))
        return process

    def _start(self, name: str, arguments: list[str]) -> Process:
        log = self.folder / f"{len(self.processes)}-{name}.log"
        if self.nursery is not None:
            log.touch()
            forked = Process(name, self.nursery.start(arguments, log, self.faults), log)
            self.faults = {}
            self.processes.append(forked)
            return forked
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = Process(name, popen, log)
        self.processes.append(process)
        return process

    @staticmethod
    def _wait(process: Process, ready: Callable[[], bool]) -> None:
        try:
            wait_until(ready, START_SECONDS, f"{process.name} is ready", every=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{process.tail()}") from None


@contextlib.contextmanager
def running(folder: Path, *, quick: bool = False, **env: str) -> Iterator[Product]:
    """A product without processes yet. Needs a test that commits (`transactional_db`), and ends before its clean-up.

    With `quick` its processes are forked from one that is ready, and can be armed to die at a place.
    """
    assert not connection.in_atomic_block, "processes see only what is committed"
    redis_url = own_redis_url()
    product = Product(folder, process_env(redis_url) | env, redis.Redis.from_url(redis_url))
    product.redis.flushdb()
    try:
        if quick:
            product.nursery = nursery_for(product.env)
        yield product
    finally:
        for process in product.processes:
            process.kill()
        product.redis.flushdb()
        product.redis.close()


def process_env(redis_url: str) -> dict[str, str]:
    """The environment of a process that works on this test's database."""
    database = urlsplit(os.environ["DATABASE_URL"])
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": urlunsplit(database._replace(path=f"/{connection.settings_dict['NAME']}")),
        "DATABASE_POOL": "4",
        "REDIS_URL": redis_url,
        "SECRET_KEY": settings.SECRET_KEY,
        "PLAIN_STATIC": "1",
        "PYTHONUNBUFFERED": "1",
    }


def own_redis_url() -> str:
    """The test run's Redis server, in a database of this test process alone: the last one for the first process."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    number = 15 - int(worker) % 8
    parts = urlsplit(os.environ["REDIS_URL"])
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}"))


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
