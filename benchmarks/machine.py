"""What was measured on: without it a figure means nothing."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psycopg
import redis

from benchmarks.place import ROOT

_SETTINGS: Final = (
    "synchronous_commit", "fsync", "full_page_writes", "wal_sync_method", "shared_buffers", "max_connections", "jit",
)  # fmt: skip
_PACKAGES: Final = ("django", "channels", "daphne", "celery", "redis", "psycopg", "msgspec")


def facts(database_url: str, redis_url: str) -> dict[str, Any]:
    """The machine, the servers and the versions, as they are at this moment."""
    with psycopg.connect(database_url) as connection:
        settings = {name: connection.execute(f"SHOW {name}".encode()).fetchone()[0] for name in _SETTINGS}  # type: ignore[index]
        row = connection.execute("SHOW server_version").fetchone()
        server = row[0] if row else ""
    with redis.Redis.from_url(redis_url) as client:
        info: Any = client.info("server")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "postgresql": server,
        "postgresql_settings": settings,
        "redis": f"{info.get('server_name', 'redis')} {info['redis_version']}",
        "packages": {name: version(name) for name in _PACKAGES},
        "psycopg": psycopg.pq.__impl__,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    """The commit that was measured, with a plus when files differ from it; empty outside a repository."""
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return shown.stdout.strip()
