"""``python -m scripts.run_tests [PYTEST ARGUMENTS]``: the whole test suite in parallel; `make test` calls it.

Runs inside ``python -m infra.embedded exec``, which provides the servers.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSER_TESTS = "tests/browser"


def main(arguments: Sequence[str]) -> int:
    """Run pytest; its exit code."""
    env = dict(os.environ)
    command = [sys.executable, "-m", "pytest", "-n", str(max(2, os.cpu_count() or 2)), "--dist", "loadfile"]
    if chromium := find_chromium(env):
        env["CHROMIUM"] = chromium
    else:
        command.append(f"--ignore={BROWSER_TESTS}")
        print(
            "No Chromium found, so the browser tests are left out: install chromium, or set CHROMIUM to its program.",
            file=sys.stderr,
            flush=True,
        )
    # The arguments last: with -n 0, for instance, they win
    return subprocess.run([*command, *arguments], cwd=ROOT, env=env).returncode


def find_chromium(env: Mapping[str, str]) -> str | None:
    """The program of a Chromium: the one named in CHROMIUM, the machine's, or one that Playwright has fetched."""
    if named := env.get("CHROMIUM"):
        if not shutil.which(named):
            print(f"CHROMIUM is set to {named}, which is no program.", file=sys.stderr)
            raise SystemExit(1)
        return shutil.which(named)
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name, path=env.get("PATH")):
            return found
    fetched = Path(env.get("PLAYWRIGHT_BROWSERS_PATH") or Path(env.get("HOME", "/")) / ".cache" / "ms-playwright")
    programs = [
        *fetched.glob("chromium-*/chrome-linux*/chrome"),
        *fetched.glob("chromium-*/chrome-mac*/*/Contents/MacOS/*"),
    ]
    return str(max(programs)) if programs else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
