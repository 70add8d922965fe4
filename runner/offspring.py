"""What a child process of ours does first: it ends with its parent, and leaves signals to it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
# Of 1000: ended before whatever the user has open, and before the parent, which knows what to do.
_SCORE = "500"


def attach(parent: int | None = None) -> None:
    """Ties this process to the one that started it.

    The kernel kills it when the parent's thread that started it ends. Whoever asks all processes of
    a service for an end asks the parent too, which lets the running work be done, or kills this
    one. When the system runs out of memory, this process is to be ended before others.

    Args:
        parent: its process number; if it is gone already, this process ends at once.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_SCORE, encoding="ascii")
