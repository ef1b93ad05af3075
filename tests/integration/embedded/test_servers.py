"""Real PostgreSQL and Valkey, in folders and as users where they would not start by themselves."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from infra.embedded import postgres
from infra.embedded.privileges import RunAs, before_exec, server_user
from infra.embedded.servers import start_servers
from infra.embedded.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that everyone may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="ct-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def environment(**more: str) -> dict[str, str]:
    """This process's environment without given servers."""
    return {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")} | more


def execute(state: Path, code: str, *, run_as: RunAs | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python code with the URLs of servers on ``state``, as `make test` runs the tests."""
    return subprocess.run(
        [sys.executable, "-m", "infra.embedded", "exec", "--state", str(state), "--", sys.executable, "-c", code],
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=None if run_as is None else before_exec(signal.SIGKILL, run_as),
    )


USE_BOTH = """
import os, psycopg, redis
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS visits (at timestamptz DEFAULT now())")
    connection.execute("INSERT INTO visits DEFAULT VALUES")
    print("visits", connection.execute("SELECT count(*) FROM visits").fetchone()[0])
with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
    print("left in redis", client.incr("visits") - 1)
"""


@pytest.mark.parametrize("name", ["plain", "with blank", "deep" * 15 + "/" + "deeper" * 10])
def test_data_survives_a_restart_wherever_the_folder_is(name: str, folder: Path) -> None:
    first = execute(folder / name, USE_BOTH)
    second = execute(folder / name, USE_BOTH)

    assert (first.returncode, first.stdout, first.stderr) == (0, "visits 1\nleft in redis 0\n", "")
    assert (second.returncode, second.stdout) == (0, "visits 2\nleft in redis 0\n")
    assert processes_of(folder / name) == []
    assert socket_folders_of(folder / name) == []


def test_the_settings_are_those_of_the_architecture(folder: Path) -> None:
    with Supervisor(folder / "log") as supervisor:
        urls = start_servers(supervisor, folder, {})
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            names = ("fsync", "synchronous_commit", "TimeZone", "autovacuum_naptime", "listen_addresses")
            shown = {name: value_of(connection, f"SHOW {name}") for name in names}
            database = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datlocale FROM pg_database WHERE datname = current_database()"
            ).fetchone()
        with redis.Redis.from_url(urls["REDIS_URL"]) as client:
            kept = client.config_get("appendonly") | client.config_get("save") | client.config_get("port")

    assert shown == {
        "fsync": "on",
        "synchronous_commit": "on",
        "TimeZone": "UTC",
        "autovacuum_naptime": "5s",
        "listen_addresses": "",
    }
    assert database == ("UTF8", "C.UTF-8")
    assert kept == {"appendonly": "no", "save": "", "port": "0"}


def test_the_exit_code_of_the_command_is_passed_on(folder: Path) -> None:
    assert execute(folder, "raise SystemExit(7)").returncode == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_can_do_all_this(folder: Path) -> None:
    user = server_user(folder / "none", Path(sys.executable))
    assert user is not None
    os.chown(folder, user.uid, user.gid)

    done = execute(folder / "with blank", USE_BOTH, run_as=user)

    assert (done.returncode, done.stdout, done.stderr) == (0, "visits 1\nleft in redis 0\n", "")
    assert {path.stat().st_uid for path in folder.rglob("*")} == {user.uid}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are closed to the user PostgreSQL runs as")
def test_root_can_do_all_this_in_a_folder_closed_to_others(folder: Path) -> None:
    folder.chmod(0o700)

    done = execute(folder / "state", USE_BOTH)

    assert (done.returncode, done.stdout, done.stderr) == (0, "visits 1\nleft in redis 0\n", "")
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are closed to the user PostgreSQL runs as")
def test_root_can_do_all_this_with_programs_in_a_folder_closed_to_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = postgres._programs()
    home, package = folder / "home", installed.parent.parent
    shutil.copytree(installed.parent, home / package.name / installed.parent.name)
    shutil.copytree(package.with_suffix(".libs"), home / f"{package.name}.libs")
    home.chmod(0o700)
    monkeypatch.setattr(postgres, "_programs", lambda: home / package.name / installed.parent.name / "bin")

    with Supervisor(folder / "log") as supervisor:
        urls = start_servers(supervisor, home / "state", {})
        assert answers(urls)


def test_servers_killed_in_the_middle_are_started_again_with_what_was_committed(folder: Path) -> None:
    with Supervisor(folder / "log", backoff=0.1) as supervisor:
        urls = start_servers(supervisor, folder, {})
        with psycopg.connect(urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        killed = [pid for pid, _ in processes_of(folder)]
        assert len(killed) == 2
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

        supervisor.wait_until(lambda: answers(urls), 60, "The servers did not come back")

        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            assert value_of(connection, "SELECT one FROM kept") == 1
        assert not {pid for pid, _ in processes_of(folder)} & set(killed)


def test_servers_end_when_their_supervisor_is_killed_and_the_next_start_recovers(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.embedded", "exec", "--state", str(folder), "--", "sleep", "600"],
        env=environment(),
        cwd=ROOT,
    )
    deadline = time.monotonic() + 90
    while not any("sleep" in line for _, line in children_of(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started = [pid for pid, _ in children_of(process.pid)]
    assert len(started) == 3

    process.kill()
    process.wait()

    while any(alive(pid) for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert execute(folder, USE_BOTH).stdout == "visits 1\nleft in redis 0\n"


def test_a_pid_file_that_names_another_program_does_not_keep_the_server_from_starting(folder: Path) -> None:
    assert execute(folder, USE_BOTH).returncode == 0
    (folder / "postgres" / "postmaster.pid").write_text(
        f"{os.getpid()}\n{folder / 'postgres'}\n1700000000\n5432\n{folder / 'postgres'}\n\n1 1\nready   \n"
    )

    assert execute(folder, USE_BOTH).stdout == "visits 2\nleft in redis 0\n"


def test_an_interrupted_first_start_leaves_nothing_in_the_way(folder: Path) -> None:
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")

    assert execute(folder, USE_BOTH).returncode == 0


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: (data / "PG_VERSION").write_text("12\n"), "was made by PostgreSQL 12"),
        (lambda data: (data / "PG_VERSION").unlink(), "is neither empty nor a PostgreSQL folder"),
        (lambda data: (data / "global" / "pg_control").unlink(), "postgres did not start: "),
    ],
)
def test_data_that_cannot_be_used_is_named_in_one_sentence(spoil, sentence: str, folder: Path) -> None:
    assert execute(folder, "").returncode == 0
    spoil(folder / "postgres")

    done = execute(folder, "")

    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_instance_on_the_same_folder_is_refused_in_one_sentence(folder: Path) -> None:
    again = ["-m", "infra.embedded", "exec", "--state", str(folder), "--", "true"]
    inner = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, *{again!r}]))"

    done = execute(folder, inner)

    assert done.returncode == 1
    assert done.stderr.startswith("Already running with its data in ")
    assert len(done.stderr.splitlines()) == 1


def value_of(connection: "psycopg.Connection[tuple[object, ...]]", query: str) -> object:
    row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]


def answers(urls: dict[str, str]) -> bool:
    try:
        with psycopg.connect(urls["DATABASE_URL"]), redis.Redis.from_url(urls["REDIS_URL"]) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


def command_lines() -> list[tuple[int, int, str]]:
    """(pid, parent, command line) of all processes."""
    shown = subprocess.run(["ps", "-ww", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = (line.split(None, 2) for line in shown.stdout.splitlines())
    return [(int(row[0]), int(row[1]), row[2]) for row in rows if len(row) == 3]


def processes_of(folder: Path) -> list[tuple[int, str]]:
    """The servers whose data or socket is in this folder."""
    return [
        (pid, line)
        for pid, _, line in command_lines()
        if str(folder) in line and ("/postgres -D" in line or "valkey-server" in line)
    ]


def children_of(parent: int) -> list[tuple[int, str]]:
    return [(pid, line) for pid, ppid, line in command_lines() if ppid == parent]


def socket_folders_of(state: Path) -> list[Path]:
    """What the servers with this state have left below the temporary folder."""
    marks = [hashlib.sha256(os.fsencode(state / server)).hexdigest()[:12] for server in ("postgres", "valkey")]
    return [path for path in Path(tempfile.gettempdir()).glob("copytrade-*") if path.name.endswith(tuple(marks))]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "<defunct>" not in next((line for number, _, line in command_lines() if number == pid), "<defunct>")
