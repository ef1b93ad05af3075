"""``run``: the whole product on one machine, from an empty folder to a page that answers."""

import contextlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree

from infra.embedded.errors import EmbeddedError
from infra.embedded.processes import Command, Output
from infra.embedded.servers import start_servers
from infra.embedded.state import instance_lock, publish_urls, secret_key
from infra.embedded.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / "var"

_READY_TIMEOUT = 120.0
# scripts/prepare.py ends with it when it has already said in a sentence what is wrong
SENTENCE_SAID = 3


def run(environ: Mapping[str, str]) -> None:
    """Start everything and supervise it until a signal comes."""
    host, port = environ.get("HOST") or "127.0.0.1", _port(environ.get("PORT") or "8000")
    began = time.monotonic()
    with instance_lock(STATE):
        check_port(host, port)
        with Supervisor(STATE / "log") as supervisor:
            print("Starting the servers ...", flush=True)
            urls = start_servers(supervisor, STATE, environ)
            env = {**environ, **urls, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
            env["SECRET_KEY"] = environ.get("SECRET_KEY") or secret_key(STATE)
            env.setdefault("COPYTRADE_DEMO", "1")
            env.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_emptied(STATE / "metrics")))
            publish_urls(STATE, urls | {"URL": f"http://{_shown(host)}:{port}"})
            _prepare(supervisor, env)
            (STATE / "beat").mkdir(exist_ok=True)
            for command in commands(host, port, env):
                supervisor.start(command)
            supervisor.wait_until(
                lambda: _is_ready(host, port),
                _READY_TIMEOUT,
                f"The web process did not become ready within {_READY_TIMEOUT:.0f} seconds (see {STATE / 'log'})",
            )
            print(_welcome(host, port, time.monotonic() - began), flush=True)
            supervisor.run_until_stopped()


def _emptied(folder: Path) -> Path:
    """The folder in which the processes share what they count; a new run counts from nothing."""
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def commands(host: str, port: int, env: Mapping[str, str]) -> list[Command]:
    """The processes of the product."""
    # Celery warns at length when root runs it, which is how a container does
    celery = ["-W", "ignore:You're running the worker with superuser", "-m", "celery", "-A", "config", "--quiet"]
    # Workers know their work from PostgreSQL; what workers tell each other over Redis would only be noise
    alone = ["--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
    programs: dict[str, Sequence[str]] = {
        "web": ["-m", "daphne", "-b", host, "-p", str(port), "-v", "0", "--no-server-name", "config.asgi:application"],
        "copy": [*celery, "worker", "-Q", "copy", "-n", "copy@%h", *alone],
        "default": [*celery, "worker", "-Q", "default", "-n", "default@%h", *alone],
        "beat": [*celery, "beat", "-s", str(STATE / "beat" / "schedule"), "--pidfile=", "-l", "WARNING"],
        "market": ["manage.py", "run_market"],
    }
    return [Command(name=name, argv=[sys.executable, *argv], env=env, cwd=ROOT) for name, argv in programs.items()]


def _prepare(supervisor: Supervisor, env: Mapping[str, str]) -> None:
    """Bring database, demo and static files up to date, in one process: each start of Django costs a second."""
    command = Command(
        name="prepare", argv=[sys.executable, "-m", "scripts.prepare"], env=env, cwd=ROOT, output=Output.INHERIT
    )
    code = supervisor.run(command)
    if code == SENTENCE_SAID:
        raise SystemExit(1)
    if code:
        raise EmbeddedError(f"Preparing the database and the static files failed (exit code {code}), see above.")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise EmbeddedError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def check_port(host: str, port: int) -> None:
    """Say which port is taken before anything is started."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise EmbeddedError(f"HOST {host} is not an address of this machine.") from None
    with socket.socket(family, kind) as probe:
        # as the web server does it: connections that are only waiting to be forgotten are no obstacle
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen()
        except PermissionError:
            raise EmbeddedError(f"Port {port} needs more rights than you have: set PORT to one above 1023.") from None
        except OSError as error:
            raise EmbeddedError(
                f"Port {port} on {host} cannot be used ({error.strerror}): stop what uses it, or set another PORT."
            ) from None


def _local(host: str) -> str:
    """Where to reach a server that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _shown(host: str) -> str:
    local = _local(host)
    return f"[{local}]" if ":" in local else local


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(_local(host), port, timeout=2.0)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _welcome(host: str, port: int, seconds: float) -> str:
    text = f"\nReady after {seconds:.0f} s: http://{_shown(host)}:{port}/\n"
    with contextlib.suppress(FileNotFoundError):
        text += f"\n{(STATE / 'demo_logins.txt').read_text().strip()}\n"
    return f"{text}\nLogs are in {os.path.relpath(STATE / 'log')}. Ctrl-C stops everything.\n"
