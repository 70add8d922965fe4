"""The file of samples that a timing process leaves: read, and refused where no clock gave it."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

from runner.errors import StageError

# The kind of error of a process whose clock can't be believed.
CLOCK = "clock"
# What the harness was at when it found so itself.
_CLOCK_STEPS = ("time failed", "clock_gettime failed")


def check_samples(path: Path, arm: str) -> None:
    """Refuses samples of no time or less: whatever took them did not time a run.

    Args:
        path: little-endian int64 nanoseconds.

    Raises:
        StageError: of the kind `clock`.
    """
    samples = array("q")
    data = path.read_bytes()
    samples.frombytes(data[: len(data) - len(data) % samples.itemsize])
    if sys.byteorder == "big":
        samples.byteswap()
    wrong = sum(sample <= 0 for sample in samples)
    if samples and not wrong:
        return
    told = f"{wrong} of {len(samples)} samples are of no time or less" if samples else "no samples"
    raise _error(f"{told}, the least of them {min(samples)} ns" if samples else told, arm)


def as_clock_error(error: StageError) -> StageError:
    """The same error under the kind `clock` where it is the harness's own finding of that sort."""
    if error.kind == "refused" and error.what in _CLOCK_STEPS:
        return _error(error.why, error.where)
    return error


def _error(why: str, where: str) -> StageError:
    return StageError(
        "the clock did not advance",
        stage="time",
        kind=CLOCK,
        why=why,
        where=where,
        remedy="the machine's clock stepped back, or is too coarse for so short an inference; "
        "retime doctor tells which clock there is",
    )
