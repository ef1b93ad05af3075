"""``python -m tests.chaos``: leaders trade while everything around them is killed; `make chaos` calls it.

Two leaders trade at random, by socket and by service, twelve subscriptions copy them, and two copy workers, beat and the
web process die by SIGKILL, at a place of the path or at any instant, while Redis loses everything. After each run everybody
must have what the sum of the leaders' actions says: nothing doubled, nothing lost. `--restart-postgres` kills PostgreSQL
too, on a server whose owner starts it again (`python -m infra.embedded exec`).
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.place import own_database

_RESTART_EVERY = 20.0
"""Seconds between two deaths of PostgreSQL: its owner gives up on a server that keeps dying."""


def main(arguments: Sequence[str]) -> int:
    """Run, and tell what was done; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Random kills, and proofs afterwards.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="stop earlier, after so many minutes")
    parser.add_argument("--restart-postgres", action="store_true")
    options = parser.parse_args(arguments)
    with own_database(os.environ["DATABASE_URL"]) as database, tempfile.TemporaryDirectory() as folder:
        os.environ.update(DATABASE_URL=database, DATABASE_POOL="0", DJANGO_SETTINGS_MODULE="config.settings")
        os.environ.setdefault("SECRET_KEY", "only-for-tests-and-long-enough-for-hs256")
        os.environ.setdefault("PLAIN_STATIC", "1")
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        try:
            return _carry_out(options, Path(folder))
        finally:
            connection.close()


def _carry_out(options: argparse.Namespace, folder: Path) -> int:
    from tests.chaos.scene import Scene, proofs
    from tests.support.processes import running

    luck = random.Random(options.seed)
    done: Counter[str] = Counter()
    began = died = time.monotonic()
    with running(folder, quick=True) as product:
        scene = Scene(product, luck, done)
        for number in range(options.runs):
            if options.minutes and time.monotonic() - began > options.minutes * 60:
                break
            restart = options.restart_postgres and (number == 1 or time.monotonic() - died > _RESTART_EVERY)
            blow = threading.Timer(luck.random() * 0.3, scene.postgres_dies) if restart else None
            if blow is not None:
                died = time.monotonic()
                blow.start()
            try:
                scene.run(number)
            except BaseException:
                _say(f"run {number} of seed {options.seed} failed")
                raise
            finally:
                if blow is not None:
                    blow.join()
            done["runs"] += 1
            if done["runs"] % 50 == 0:
                proofs(scene)
                _say(f"{done['runs']} runs in {time.monotonic() - began:.0f} s")
        scene.close_everything()
        proofs(scene)
    told = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
    _say(f"held: {told}; {time.monotonic() - began:.0f} s, seed {options.seed}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
