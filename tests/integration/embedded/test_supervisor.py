"""Children are kept running, and none is left behind however the supervisor ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.embedded.errors import EmbeddedError
from infra.embedded.processes import Command
from infra.embedded.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.timeout(60)

# A supervisor as its own process: argv is the log folder and then one shell line per child
PROGRAM = """
import sys
from pathlib import Path
from infra.embedded.processes import Command
from infra.embedded.supervisor import Stopped, Supervisor
try:
    with Supervisor(Path(sys.argv[1]), backoff=0.05) as supervisor:
        for number, line in enumerate(sys.argv[2:]):
            supervisor.start(Command(name=f"child{number}", argv=["sh", "-c", line], grace=1.0))
        (Path(sys.argv[1]) / "started").touch()
        supervisor.run_until_stopped()
except Stopped as stopped:
    print("stopped by", stopped.signum, flush=True)
"""

# Writes the pids of itself and of a grandchild, which share the child's process group
FAMILY = "sleep 600 & echo $$ $! >> {pids}; wait"
STUBBORN = "trap '' TERM; echo $$ >> {pids}; while :; do sleep 600 & echo $! >> {pids}; wait; done"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(*lines: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "log"), *lines], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        deadline = time.monotonic() + 60
        while not (tmp_path / "log" / "started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def pids_in(path: Path, count: int) -> list[int]:
    """The pids that the children have written, once there are as many."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and len(found := path.read_text().split()) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.02)
    pytest.fail(f"the children have not written {count} pids")


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pids: list[int], within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(map(alive, pids)):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_children_and_theirs(started, signum: signal.Signals, tmp_path: Path) -> None:
    process = started(FAMILY.format(pids=tmp_path / "pids"), FAMILY.format(pids=tmp_path / "pids"))
    pids = pids_in(tmp_path / "pids", 4)
    assert all(map(alive, pids))

    process.send_signal(signum)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert output.endswith(f"stopped by {int(signum)}\n")
    assert gone(pids)


def test_a_child_that_ignores_the_signal_is_killed_with_its_children(started, tmp_path: Path) -> None:
    process = started(STUBBORN.format(pids=tmp_path / "pids"))
    pids = pids_in(tmp_path / "pids", 2)

    process.terminate()
    process.communicate(timeout=60)

    assert gone([*pids, *pids_in(tmp_path / "pids", 2)])


def test_children_end_when_the_supervisor_is_killed(started, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells children that their parent is gone")
    process = started("trap '' TERM HUP INT; echo $$ >> " + str(tmp_path / "pids") + "; exec sleep 600")
    pids = pids_in(tmp_path / "pids", 1)

    process.kill()
    process.communicate(timeout=60)

    assert gone(pids)


def test_output_is_shown_with_the_name_of_the_child_and_kept_in_its_log(started, tmp_path: Path) -> None:
    process = started("echo one; echo two >&2; printf three; exec sleep 600")
    deadline = time.monotonic() + 60
    while not (tmp_path / "log" / "child0.log").read_text().endswith("three"):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    process.terminate()
    output, _ = process.communicate(timeout=60)

    assert "child0   | one\nchild0   | two\n" in output
    assert "child0   | three\n" in output
    assert (tmp_path / "log" / "child0.log").read_text() == "one\ntwo\nthree"


def test_a_crashed_child_is_started_again(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "log", backoff=0.01) as supervisor:
        first = supervisor.start(
            Command(name="child", argv=["sh", "-c", f"echo $$ >> {tmp_path}/pids; exec sleep 600"])
        )
        pids_in(tmp_path / "pids", 1)
        os.kill(first.pid, signal.SIGKILL)

        supervisor.wait_until(
            lambda: len((tmp_path / "pids").read_text().split()) == 2, 60, "The child was not started again"
        )

    assert gone(pids_in(tmp_path / "pids", 2))


def test_a_child_that_fails_five_times_in_a_row_stops_everything_with_one_sentence(tmp_path: Path) -> None:
    line = f"echo x >> {tmp_path}/tries; echo broken setting; exit 3"

    with Supervisor(tmp_path / "log", backoff=0.01) as supervisor:
        other = supervisor.start(Command(name="other", argv=["sleep", "600"]))
        supervisor.start(Command(name="child", argv=["sh", "-c", line]))
        with pytest.raises(
            EmbeddedError, match=r"^child failed 5 times in a row: broken setting \(see .*child\.log\)$"
        ):
            supervisor.run_until_stopped()

    assert (tmp_path / "tries").read_text().count("x") == 5
    assert gone([other.pid])


def test_failures_do_not_add_up_when_the_child_has_worked_for_a_while(tmp_path: Path) -> None:
    line = f"echo x >> {tmp_path}/tries; exit 3"

    with Supervisor(tmp_path / "log", backoff=0.001, fast_failure=0.0) as supervisor:
        supervisor.start(Command(name="child", argv=["sh", "-c", line]))
        supervisor.wait_until(
            lambda: (tmp_path / "tries").exists() and (tmp_path / "tries").read_text().count("x") > 7,
            20,
            "The child was given up",
        )


def test_a_command_runs_to_its_end_and_its_code_is_known(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "log") as supervisor:
        assert supervisor.run(Command(name="good", argv=["true"])) == 0
        assert supervisor.run(Command(name="bad", argv=["sh", "-c", "exit 9"])) == 9
        assert supervisor.run(Command(name="killed", argv=["sh", "-c", "kill -9 $$"])) == -9


def test_a_missing_program_is_named_in_one_sentence(tmp_path: Path) -> None:
    with (
        Supervisor(tmp_path / "log") as supervisor,
        pytest.raises(EmbeddedError, match=r"^web cannot start: .*no-such-program.* does not exist\.$"),
    ):
        supervisor.start(Command(name="web", argv=["no-such-program"]))


def test_what_depends_on_a_server_stops_before_it(tmp_path: Path) -> None:
    line = "trap 'echo {0} >> {1}; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    with Supervisor(tmp_path / "log") as supervisor:
        for name, is_server in (("server", True), ("worker", False)):
            argv = ["sh", "-c", line.format(name, tmp_path / "order")]
            supervisor.start(Command(name=name, argv=argv, is_server=is_server))
        supervisor.wait_until(
            lambda: all((tmp_path / "log" / f"{name}.log").read_text() for name in ("server", "worker")), 10, "No start"
        )

    assert (tmp_path / "order").read_text().split() == ["worker", "server"]
