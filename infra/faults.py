"""Places where a test kills the process: nothing at all in production, where nothing can arm them.

No setting, no environment variable and no address of the product reaches `arm`; only tests call it, in processes that
they have started themselves (an architecture test looks).
"""

import os
import signal

_armed: dict[str, int] = {}
"""How many passages of each place are left; the last one kills."""


def fault(place: str) -> None:
    """A place that a process passes; ends the process with SIGKILL at the passage that was asked for."""
    if not _armed:
        return
    left = _armed.get(place, 0)
    if left == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if left:
        _armed[place] = left - 1


def arm(place: str, passage: int = 1) -> None:
    """From now on this process dies at the `passage`-th time that it comes to `place`."""
    _armed[place] = passage
