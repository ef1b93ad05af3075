"""Where a server's unix socket lives: next to its data when possible, else in a short private folder."""

import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from infra.embedded.errors import EmbeddedError

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, one of them the closing zero
LONGEST_PATH = 107 if sys.platform == "linux" else 103

# Blanks, percent signs, commas and the like mean different things to libpq, redis-py, kombu and the servers' own
# command lines. A path made of these characters means the same to all of them.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


def usable(socket: Path) -> bool:
    """Whether every server and client involved can listen on or connect to a socket at this path."""
    return len(os.fsencode(socket)) <= LONGEST_PATH and _PLAIN.fullmatch(str(socket)) is not None


def socket_directory(data_dir: Path, file_name: str, owner: int) -> Path:
    """The folder for the socket ``file_name`` of the server with this data; the same one at every call.

    It is ``data_dir`` itself, or a folder of mode 0700 that belongs to the user ``owner``, below the temporary folder.
    """
    if usable(data_dir / file_name):
        return data_dir
    name = f"copytrade-{owner}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):
        folder = base / name
        if usable(folder / file_name) and base.is_dir():
            return _private(folder, owner)
    raise EmbeddedError(f"No folder is short and plain enough for the socket of {data_dir}: set TMPDIR to a short one.")


def remove_socket_directory(folder: Path, data_dir: Path) -> None:
    """Leave nothing outside the data folder after the server has stopped."""
    if folder != data_dir:
        shutil.rmtree(folder, ignore_errors=True)


def _private(folder: Path, owner: int) -> Path:
    """Make ``folder``, or accept an existing one only if nobody else could have prepared it."""
    try:
        folder.mkdir(mode=0o700)
        if owner != os.geteuid():
            os.chown(folder, owner, -1)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
            raise EmbeddedError(f"{folder} was made by somebody else: remove it.") from None
    return folder
