"""Runs children and keeps them running, in one thread: no child is left behind however the supervisor ends.

One thread on purpose: what a child does between fork and exec is only safe without other threads.
"""

import contextlib
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from infra.embedded.errors import EmbeddedError
from infra.embedded.processes import Command, Output, last_line, open_log, signal_group, spawn

_TICK = 0.2
# A Django process that cannot start says so within this time, even when several start at once on a small machine
_FAST_FAILURE = 15.0
_FAST_FAILURES_ALLOWED = 5
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked to stop. Not an Exception, so that no handler on the way swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


@dataclass
class _Child:
    command: Command
    restart: bool
    process: subprocess.Popen[bytes]
    log: IO[bytes] | None
    started: float
    fast_failures: int = 0
    start_again: float | None = None
    rest: bytes = field(default=b"", repr=False)

    @property
    def running(self) -> bool:
        return self.process.poll() is None


class Supervisor:
    """Use it as a context manager: leaving it, for whatever reason, stops all children, servers last.

    Methods that wait raise ``Stopped`` on SIGINT, SIGTERM and SIGHUP, and ``EmbeddedError`` when a child cannot be
    kept running.
    """

    def __init__(self, log_dir: Path, *, fast_failure: float = _FAST_FAILURE, backoff: float = 0.5) -> None:
        self._log_dir = log_dir
        self._fast_failure = fast_failure
        self._backoff = backoff
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._signum: int | None = None
        self._console_open = True
        self._terminal: select.poll | None = None
        self._old_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for signum in _STOP_SIGNALS:
            # nohup makes a program ignore SIGHUP; keep it so
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                self._old_handlers[signum] = signal.signal(signum, self._on_signal)
        if signal.SIGHUP in self._old_handlers and sys.stdout.isatty():
            self._terminal = select.poll()
            self._terminal.register(sys.stdout.fileno(), select.POLLHUP)
        self._wake_up, self._waker = socket.socketpair()
        self._wake_up.setblocking(False)
        self._waker.setblocking(False)
        self._old_wakeup_fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wake_up, selectors.EVENT_READ)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            self.stop()
        finally:
            signal.set_wakeup_fd(self._old_wakeup_fd)
            for signum, handler in self._old_handlers.items():
                signal.signal(signum, handler)
            self._selector.close()
            self._wake_up.close()
            self._waker.close()

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self._signum = signum

    # Starting

    def start(self, command: Command, *, restart: bool = True) -> subprocess.Popen[bytes]:
        """Start a child and, with ``restart``, keep it running while one of the waiting methods runs."""
        log = None if command.output is Output.INHERIT else open_log(self._log_dir, command.name)
        try:
            process = spawn(command, log)
        except BaseException:
            if log is not None:
                log.close()
            raise
        child = _Child(command, restart, process, log, time.monotonic())
        self._children.append(child)
        self._listen(child)
        return process

    def start_and_wait(self, command: Command, ready: Callable[[int], bool], timeout: float) -> None:
        """Start a server and wait until it is ready; a server that ends before is not tried again."""
        process = self.start(command, restart=False)
        child = self._children[-1]

        def is_up() -> bool:
            if process.poll() is not None:
                self._children.remove(child)
                self._close(child)
                raise EmbeddedError(f"{command.name} did not start: {self._why(command.name)}")
            return ready(process.pid)

        self.wait_until(is_up, timeout, f"{command.name} was not ready within {timeout:.0f} seconds", pause=0.02)
        child.restart = True

    # Waiting

    def wait_until(
        self, condition: Callable[[], bool], timeout: float, otherwise: str, *, pause: float = _TICK
    ) -> None:
        """Supervise until the condition holds; ``otherwise`` is the sentence when it does not in time."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{otherwise}.")
            self._turn(pause)

    def run(self, command: Command) -> int:
        """Run a child to its end, supervising the others meanwhile; its exit code, negative for a signal."""
        process = self.start(command, restart=False)
        child = self._children[-1]
        while process.poll() is None:
            self._turn(_TICK / 4)
        self._children.remove(child)
        self._close(child)
        return process.returncode

    def run_until_stopped(self) -> None:
        """Supervise until a signal or a failure ends it."""
        while True:
            self._turn(_TICK)

    def _turn(self, pause: float) -> None:
        """One round: pass output on, restart what crashed, and see whether to stop."""
        self._pass_output(pause)
        # A closed terminal tells only its first process, and make, when it is that one, keeps it for itself
        if self._terminal is not None and self._terminal.poll(0):
            self._signum = signal.SIGHUP
        if self._signum is not None:
            signum, self._signum = self._signum, None
            raise Stopped(signum)
        for child in self._children:
            if child.restart and not child.running:
                self._restart_when_due(child)

    def _restart_when_due(self, child: _Child) -> None:
        now = time.monotonic()
        name = child.command.name
        if child.start_again is None:
            self._close(child)
            fast = now - child.started < self._fast_failure
            child.fast_failures = child.fast_failures + 1 if fast else 0
            if child.fast_failures >= _FAST_FAILURES_ALLOWED:
                raise EmbeddedError(f"{name} failed {child.fast_failures} times in a row: {self._why(name)}")
            delay = self._backoff * 2 ** max(0, child.fast_failures - 1)
            child.start_again = now + delay
            self._say(f"{name} ended ({_exit(child.process.returncode)}), starting it again in {delay:g} s")
        elif now >= child.start_again:
            child.start_again = None
            child.log = open_log(self._log_dir, name)
            child.process = spawn(child.command, child.log)
            child.started = time.monotonic()
            self._listen(child)

    def _why(self, name: str) -> str:
        said = last_line(self._log_dir, name)
        return f"{said or 'it said nothing'} (see {self._log_dir / name}.log)"

    # Output

    def _listen(self, child: _Child) -> None:
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _pass_output(self, pause: float) -> None:
        for key, _ in self._selector.select(pause):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_up.recv(4096)
            else:
                self._read(key.data)

    def _read(self, child: _Child) -> bool:
        """Pass on what a child has written; False when there is nothing now."""
        stream = child.process.stdout
        assert stream is not None
        data = stream.read(65536)
        if data is None:
            return False
        if not data:
            self._selector.unregister(stream)
            stream.close()
            return False
        if child.log is not None:
            child.log.write(data)
        *lines, child.rest = (child.rest + data).split(b"\n")
        for line in lines:
            self._say(line.decode(errors="replace").rstrip("\r"), child.command.name)
        return True

    def _close(self, child: _Child) -> None:
        """Take the last words of an ended child, without waiting for a grandchild that holds the pipe open."""
        stream = child.process.stdout
        if stream is not None and not stream.closed:
            while self._read(child):
                pass
            if not stream.closed:
                self._selector.unregister(stream)
                stream.close()
        if child.rest:
            self._say(child.rest.decode(errors="replace"), child.command.name)
            child.rest = b""
        if child.log is not None:
            child.log.close()
            child.log = None

    def _say(self, text: str, name: str = "run") -> None:
        if not self._console_open:
            return
        try:
            print(f"{name:<8} | {text}", flush=True)
        except OSError:
            # The terminal is gone; going on without it is what lets the children stop in order
            self._console_open = False

    # Stopping

    def stop(self) -> None:
        """Stop all children: first what depends on the servers, then the servers.

        A second signal kills what depends on the servers at once; the servers always get their time.
        """
        for servers in (False, True):
            self._stop_all([child for child in self._children if child.command.is_server is servers], servers)
        self._children.clear()

    def _stop_all(self, children: list[_Child], patient: bool) -> None:
        for child in children:
            signal_group(child.process, child.command.stop_signal)
        deadline = time.monotonic() + max((child.command.grace for child in children), default=0.0)
        while any(child.running for child in children) and time.monotonic() < deadline:
            if self._signum is not None and not patient:
                break
            self._pass_output(_TICK / 4)
        for child in children:
            # Also after an orderly end: whatever it started and left in its group goes now
            signal_group(child.process, signal.SIGKILL)
            child.process.wait()
            self._close(child)
            if child.command.after_stop is not None:
                child.command.after_stop()


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def complain(sentence: str) -> None:
    """Say on stderr what went wrong, also when nobody listens any more."""
    with contextlib.suppress(OSError):
        print(f"\n{sentence}\n" if sys.stderr.isatty() else sentence, file=sys.stderr, flush=True)
