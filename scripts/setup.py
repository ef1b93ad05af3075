"""``python3 scripts/setup.py [--dev]``: the virtual environment, the locked packages, the front-end files.

Runs with the machine's Python, before anything is installed: standard library only. What is already there is left
alone, so `make run` calls it every time.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = ("requirements.txt", "requirements-embedded.txt")
DEV_LOCK = "requirements-dev.txt"
FREE_BYTES_NEEDED = 1_500_000_000


class SetupError(Exception):
    """What is in the way, in one sentence."""


def main(arguments: Sequence[str]) -> int:
    """Bring everything up to date; the exit code."""
    try:
        make_environment()
        install([*LOCKS, DEV_LOCK] if "--dev" in arguments else LOCKS)
        return subprocess.run([PYTHON, "-m", "scripts.vendor"], cwd=ROOT).returncode
    except SetupError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.strerror or error}: {error.filename or ROOT}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted; run it again to go on.", file=sys.stderr)
    return 1


def make_environment() -> None:
    """Make .venv, also when the one that is there has lost its Python or has moved."""
    if works(PYTHON):
        return
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES_NEEDED:
        raise SetupError(
            f"The disk is full: {free // 1_000_000} MB are free at {ROOT}, {FREE_BYTES_NEEDED // 1_000_000} are needed."
        )
    say(f"Making .venv with Python {sys.version.split()[0]} ...")
    try:
        venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError:
        raise SetupError("pip cannot be installed into .venv: install the venv package of this Python.") from None


def works(python: Path) -> bool:
    """Whether this is a Python with pip inside an environment of this folder."""
    if not python.exists():
        return False
    code = "import pip, sys; print(sys.prefix)"
    shown = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return shown.returncode == 0 and Path(shown.stdout.strip()) == VENV


def install(locks: Sequence[str]) -> None:
    """Install the lock files unless exactly these have been installed already."""
    stamp = VENV / f"installed-{len(locks)}"
    fingerprint = hashlib.sha256(b"".join((ROOT / lock).read_bytes() for lock in locks)).hexdigest()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    say(f"Installing {', '.join(locks)} (about a minute, once) ...")
    command: list[str | Path] = [PYTHON, "-m", "pip", "install", "-qq", "--require-hashes"]
    command += ["--disable-pip-version-check", "--no-input"]
    for lock in locks:
        command += ["-r", lock]
    # No package is looked up in the user's own folders, and root is not lectured
    env = {**os.environ, "PYTHONNOUSERSITE": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run(command, cwd=ROOT, env=env).returncode:
        raise SetupError("The packages could not be installed, see above; a package index must be reachable.")
    stamp.write_text(fingerprint)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
