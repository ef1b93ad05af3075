"""The product's real processes, forked from one that has imported everything: a start takes tenths of a second.

    with running(tmp_path, quick=True) as product:
        product.arm("copy.read", 2)      # the next process dies at its second passage of this place
        worker = product.copy_worker()

What runs after the fork is what `python -m daphne`, `python -m celery` and `manage.py` run. This module is both sides:
`python -m tests.support.nursery` is the process that is forked, `Nursery` talks to it.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY = "nursery ready"


class Forked:
    """A forked process, as far as `subprocess.Popen` is needed here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """None while it lives. The nursery does not keep the dead, so a code is not known: -1 stands for any."""
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.returncode = -1
        return self.returncode

    def wait(self, timeout: float) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"process {self.pid} does not end")
            time.sleep(0.002)
        return -1


class Nursery:
    """Starts processes that have Django ready. `close` ends the nursery, not what was started."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery"],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        if self._answer() != READY:
            self.close()
            raise AssertionError(f"the nursery did not start:\n{log.read_text(errors='replace')[-4000:]}")

    def start(self, arguments: Sequence[str], log: Path, faults: Mapping[str, int]) -> Forked:
        """`python` with these arguments, dying at those places."""
        assert self._process.stdin is not None
        print(
            json.dumps({"arguments": list(arguments), "log": str(log), "faults": dict(faults)}),
            file=self._process.stdin,
            flush=True,
        )
        return Forked(int(self._answer()))

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(10)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


_kept: dict[tuple[tuple[str, str], ...], Nursery] = {}


def nursery_for(env: Mapping[str, str]) -> Nursery:
    """The nursery of that environment, kept until this process ends: importing everything takes a second or two."""
    key = tuple(sorted(env.items()))
    if key not in _kept:
        folder = Path(tempfile.mkdtemp(prefix="nursery-"))
        _kept[key] = Nursery(env, folder / "nursery.log")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(_kept[key].close)
    return _kept[key]


def _serve() -> None:
    import django

    django.setup()
    import config.asgi
    import config.celery
    import copytrade.engine.doorbell  # noqa: F401

    with contextlib.suppress(ImportError):  # what Celery loads when it starts, as far as it is there
        import celery.apps.beat
        import celery.apps.worker
        import celery.bin.celery
        import celery.concurrency.solo
        import celery.worker.consumer  # noqa: F401
        import kombu.transport.redis  # noqa: F401
    config.celery.app.loader.import_default_modules()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    gc.freeze()
    print(READY, flush=True)  # noqa: T201
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _live(order)
        print(pid, flush=True)  # noqa: T201


def _live(order: dict[str, Any]) -> None:
    """The rest of a forked process's life."""
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(number, target)
        from infra.faults import arm

        for place, passage in order["faults"].items():
            arm(place, passage)
        _run(order["arguments"])
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _run(arguments: list[str]) -> None:
    if "-m" not in arguments:
        sys.argv = arguments
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
        return
    at = arguments.index("-m")
    module = arguments[at + 1]
    if module == "daphne":
        # An event loop belongs to the process that made it: it is made anew, with everything that holds on to it.
        for name in [name for name in sys.modules if name.partition(".")[0] == "daphne" or name.endswith(".reactor")]:
            del sys.modules[name]
    sys.argv = [module, *arguments[at + 2 :]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
