"""As whom a server runs. PostgreSQL refuses to run as root, so root starts it as an ordinary user."""

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import EmbeddedError

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_CAP_SETPCAP = 8
# Without it a change of user drops all capabilities, and access(2), which initdb asks, ignores those that are left
_SECBIT_NO_SETUID_FIXUP = 1 << 2

# Loaded here because nothing may be imported between fork and exec
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class RunAs:
    """An ordinary user; ``passes_folders`` lets it through folders that are closed to it, such as root's home."""

    uid: int
    gid: int
    passes_folders: bool = False


def server_user(data_dir: Path, program: Path) -> RunAs | None:
    """The user to run ``program`` as on ``data_dir``, or None for the current one, which is so for all but root.

    For root it is the owner of existing data, else ``nobody``: no user has to be created on the machine. Where that
    user cannot reach the data or the program (a clone below /root), no permissions of folders are changed: the
    process keeps the one capability that passes them.
    """
    if os.geteuid() != 0:
        return None
    owner = data_dir.stat().st_uid if data_dir.exists() else 0
    try:
        user = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError("PostgreSQL does not run as root, and this machine has no user nobody.") from None
    blocked = [path for path in (data_dir.parent, program) if not _reachable(path, user.pw_uid, user.pw_gid)]
    if blocked and not _may_pass_folders_on():
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and user {user.pw_name} cannot reach {blocked[0]}: "
            "work as an ordinary user or in a folder that everyone may enter."
        )
    return RunAs(user.pw_uid, user.pw_gid, passes_folders=bool(blocked))


def _reachable(path: Path, uid: int, gid: int) -> bool:
    """Whether a user may enter all folders on the way to ``path``, and read and run it if it is a file."""
    path = path.resolve()
    needs = [(folder, stat.S_IXOTH) for folder in path.parents]
    needs.append((path, stat.S_IXOTH if path.is_dir() else stat.S_IXOTH | stat.S_IROTH))
    for place, bits in needs:
        found = place.stat()
        shift = 6 if found.st_uid == uid else 3 if found.st_gid == gid else 0
        if found.st_mode & (bits << shift) != bits << shift:
            return False
    return True


def _may_pass_folders_on() -> bool:
    """Whether this root is allowed to give the capability to a child; a container can take that right away."""
    needed = 1 << _CAP_DAC_OVERRIDE | 1 << _CAP_SETPCAP
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return False
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)
    return held & needed == needed


def before_exec(orphan_signal: int, run_as: RunAs | None) -> Callable[[], None]:
    """What a new child does before it becomes its program: change user, and arrange not to outlive its parent."""
    parent = os.getpid()

    def prepare() -> None:
        if run_as is not None:
            _become(run_as)
        # After the change of user, which would clear it
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, orphan_signal, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def _become(run_as: RunAs) -> None:
    """Give up root for good, but for the one capability when it is needed."""
    if run_as.passes_folders and _libc is not None:
        _libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(run_as.gid, run_as.gid, run_as.gid)
    os.setresuid(run_as.uid, run_as.uid, run_as.uid)
    if run_as.passes_folders and _libc is not None:
        _keep_only_folder_access(_libc)


def _keep_only_folder_access(libc: ctypes.CDLL) -> None:
    """Reduce the kept capabilities to the one, and let it survive exec (an ambient capability)."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << _CAP_DAC_OVERRIDE
    # effective, permitted, inheritable for capabilities 0-31, then the same for 32-63
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0):
        os._exit(126)


def hand_over(paths: Iterable[Path], run_as: RunAs | None) -> None:
    """Give folders to the user a server runs as."""
    if run_as is not None:
        for path in paths:
            os.chown(path, run_as.uid, run_as.gid)
