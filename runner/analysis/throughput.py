"""How many inferences a second a model sustains, and how that falls while it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PARTS = 10


@dataclass(frozen=True)
class Throughput:
    """One process that ran back to back.

    Attributes:
        per_second: inferences a second, over the whole time.
        rates: the same in each tenth of the time, in their order.
        decay: by how much the last tenth is slower than the first, as a share of the first's
            rate; negative where it is faster.
        runs: how many inferences there were.
        seconds: that they took.
    """

    per_second: float
    rates: tuple[float, ...]
    decay: float
    runs: int
    seconds: float


def study_throughput(samples_ns: NDArray[np.int64]) -> Throughput:
    """Cuts the time, not the runs, into tenths: a model that slows down does fewer in the last.

    A run that lies on a border counts in both tenths, with its share of time in each, so that a
    slow model's rates are not rounded to whole runs.

    Args:
        samples_ns: shape (runs,), at least one, latencies in the order they were taken. Time
            between two runs, which is that of two readings of the clock, is not among them.
    """
    ends = np.concatenate([[0.0], np.cumsum(samples_ns, dtype=np.float64)])
    borders = np.linspace(0.0, ends[-1], PARTS + 1)
    done = np.interp(borders, ends, np.arange(ends.size, dtype=np.float64))
    rates = np.diff(done) / (ends[-1] / PARTS) * 1e9
    return Throughput(
        per_second=float(samples_ns.size / ends[-1] * 1e9),
        rates=tuple(rates.tolist()),
        decay=float(1 - rates[-1] / rates[0]),
        runs=int(samples_ns.size),
        seconds=float(ends[-1] / 1e9),
    )
