"""``python -m infra.embedded run | exec [--state DIR] -- COMMAND... | urls``; see docs/operations/running.md."""

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.embedded import product
from infra.embedded.errors import EmbeddedError
from infra.embedded.processes import Command, Output
from infra.embedded.servers import sentence_for, start_servers
from infra.embedded.state import instance_lock, read_urls
from infra.embedded.supervisor import Stopped, Supervisor, complain


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit code."""
    options = _parse(arguments)
    try:
        if options.action == "urls":
            for name, url in read_urls(product.STATE).items():
                print(f"{name}={url}")
        elif options.action == "exec":
            return execute(options.state, options.command)
        else:
            product.run(os.environ)
    except Stopped as stopped:
        # Stopping is how a good run ends; a command that was interrupted has not done its work
        return 128 + stopped.signum if options.action == "exec" else 0
    except EmbeddedError as error:
        complain(str(error))
        return 1
    except OSError as error:
        complain(sentence_for(error))
        return 1
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.embedded", description="Start the product or its servers.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("run", help="start everything; PORT, HOST, DATABASE_URL and REDIS_URL are honoured")
    actions.add_parser("urls", help="print the addresses of what `run` has started")
    runner = actions.add_parser("exec", help="run a command with DATABASE_URL and REDIS_URL of fresh servers")
    runner.add_argument("--state", type=Path, help="folder for the servers' data, kept; default: a temporary one")
    runner.add_argument("command", nargs="+", help="the command, after --")
    return parser.parse_args(arguments)


def execute(state: Path | None, command: Sequence[str]) -> int:
    """Run ``command`` against the given servers, or against fresh ones for as long as it takes; its exit code."""
    with _state_folder(state) as folder, instance_lock(folder), Supervisor(folder / "log") as supervisor:
        env = {**os.environ, **start_servers(supervisor, folder, os.environ)}
        env.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
        code = supervisor.run(
            Command(
                name=Path(command[0]).name,
                argv=command,
                env=env,
                output=Output.INHERIT,
                stop_signal=signal.SIGINT,
                orphan_signal=signal.SIGTERM,
                grace=30.0,
            )
        )
        return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _state_folder(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="copytrade-"))
    # The servers' folders below are closed; this one lets PostgreSQL pass when root runs it as another user
    folder.chmod(0o711)
    try:
        yield folder.resolve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
