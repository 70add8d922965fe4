"""Looks after a process that is not timed: how long it takes and how much memory it holds.

Memory is what is resident, read now and then. A limit of the kernel's would be exact and worse:
TensorFlow reserves far more address space (RLIMIT_AS) and private memory (RLIMIT_DATA) than it ever
touches, an allocation that is refused ends in an abort without a reason, and control groups need
rights that users don't have. What a process can take between two looks is the kernel's to deal
with, which `offspring.attach` tells whom to end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from runner.units import format_bytes, format_duration

_INTERVAL_S = 0.2
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Excess:
    """What a process was ended for.

    Attributes:
        kind: `timeout`, `out_of_memory` or `interrupted`.
    """

    kind: str
    what: str
    why: str
    remedy: str


class Watch:
    """Ends a process, which leads a group of its own, as soon as it passes a limit.

    To be used as a context manager while the process works.

    Args:
        memory_bytes: None for no limit.
        unwanted: set when nobody wants the process's work any longer.

    Attributes:
        excess: what it was ended for; None where it was not.
    """

    def __init__(
        self,
        process: int,
        time_s: float,
        memory_bytes: int | None,
        unwanted: threading.Event | None = None,
    ) -> None:
        self.excess: Excess | None = None
        self._process = process
        self._time_s = time_s
        self._memory_bytes = memory_bytes
        self._unwanted = unwanted or threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        """Begins to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Looks no more."""
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        ends = time.monotonic() + self._time_s
        while not self._is_over.wait(_INTERVAL_S):
            self.excess = self._passed(ends)
            if self.excess is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process, signal.SIGKILL)
                return

    def _passed(self, ends: float) -> Excess | None:
        if self._unwanted.is_set():
            return Excess(
                "interrupted",
                "interrupted",
                "the work was ended before this stage was done",
                "run the same command again; it goes on where it stopped",
            )
        if time.monotonic() > ends:
            return Excess(
                "timeout",
                f"was not done after {format_duration(self._time_s)} and was ended",
                "it hangs, or needs longer",
                "raise limits.stage_time if it needs longer; a training goes on at its last epoch",
            )
        held = resident_bytes(self._process)
        if self._memory_bytes is not None and held > self._memory_bytes:
            return Excess(
                "out_of_memory",
                f"needed more than the {format_bytes(self._memory_bytes)} that it may have, "
                "and was ended",
                f"its process held {format_bytes(held)}",
                "raise limits.memory; or a smaller batch size or image size needs less",
            )
        return None


def resident_bytes(process: int) -> int:
    """How much memory a process holds; 0 where the system doesn't tell."""
    try:
        fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(fields[1]) * _PAGE_BYTES
