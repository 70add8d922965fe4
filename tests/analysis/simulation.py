"""A machine that never was: drift, spikes and a level of its own for each process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from runner.analysis.summaries import ProcessSummary
from runner.analysis.verdicts import Decision, Design, decide

MIN_BLOCKS = 20
# Experiments that are drawn at once; a thousand of twelve variants would fill the memory.
_BATCH = 200


@dataclass(frozen=True)
class Machine:
    """How a simulated machine varies, all in units of log latency.

    Attributes:
        drift: standard deviation of a random walk's step from process to process.
        layout: standard deviation of each process's own level.
        spike_share: how many processes are hit by a disturbance.
        spike_scale: scale of the disturbance, half-Cauchy: heavy-tailed.
    """

    drift: float = 0.003
    layout: float = 0.0125
    spike_share: float = 0.03
    spike_scale: float = 0.02

    @classmethod
    def of_spread(cls, spread: float, variants: int, *, spike_share: float = 0.03) -> Machine:
        """A machine on which paired differences have this standard deviation, spikes aside.

        A tenth of their variance comes from drift between the two processes, which run
        (variants + 1) / 3 processes apart on average; the rest is layout. Spikes come on top.
        """
        drift = spread * np.sqrt(0.1 / ((variants + 1) / 3))
        return cls(float(drift), spread * float(np.sqrt(0.9 / 2)), spike_share, spread)


@dataclass(frozen=True)
class Simulated:
    """One experiment that ended by the real stopping rule and was judged by the real one.

    Attributes:
        decisions: one for each variant but the first, which is the baseline.
        differences: shape (blocks, variants - 1), those that the decisions rest on.
        is_precise: the precision asked for was reached.
    """

    decisions: list[Decision]
    differences: NDArray[np.float64]
    is_precise: bool


def process(level: float, block: int) -> ProcessSummary:
    """A process of which only the level matters."""
    return ProcessSummary(
        block=block,
        log_median=level,
        log_mean=level,
        log_p90=level,
        min_ns=1,
        runs=1,
        steady=True,
        settling=False,
        mild_outliers=0,
        outliers=0,
        initialization_ns=1,
        first_inference_ns=1,
        peak_memory_bytes=0,
    )


def simulate(
    ratios: Sequence[float],
    design: Design,
    machine: Machine,
    max_blocks: int,
    experiments: int,
    generator: np.random.Generator,
) -> list[Simulated]:
    """Many experiments at once.

    Args:
        ratios: the true latency of each variant, as a ratio to the first one's.
    """
    done: list[Simulated] = []
    while len(done) < experiments:
        batch = min(_BATCH, experiments - len(done))
        drawn = _draw(ratios, machine, (batch, max_blocks), generator)
        ends = _ends(drawn, design)
        for values, end in zip(drawn, ends, strict=True):
            taken = values[: end or max_blocks]
            done.append(Simulated(decide(list(taken.T), design), taken, end > 0))
    return done


def _draw(
    ratios: Sequence[float],
    machine: Machine,
    shape: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Differences of logs against the baseline: shape (experiments, blocks, variants - 1)."""
    experiments, blocks = shape
    full = (experiments, blocks, len(ratios))
    walk = generator.normal(0, machine.drift, (experiments, blocks * len(ratios))).cumsum(axis=1)
    order = generator.permuted(np.broadcast_to(np.arange(len(ratios)), full), axis=2)
    drift = np.take_along_axis(walk.reshape(full), order, axis=2)
    level = generator.normal(0, machine.layout, full)
    spike = np.minimum(np.abs(generator.standard_cauchy(full)) * machine.spike_scale, 1.0)
    hit = generator.random(full) < machine.spike_share
    logs = np.log(ratios) + drift + level + np.where(hit, spike, 0.0)
    return np.asarray(logs[:, :, 1:] - logs[:, :, :1])


def _ends(drawn: NDArray[np.float64], design: Design) -> NDArray[np.int64]:
    """After how many blocks `Precision` ends each experiment; 0 where it never does."""
    confidence = design.confidence_of_each(drawn.shape[2])
    blocks = np.arange(1, drawn.shape[1] + 1)[None, :, None]
    total, squares = drawn.cumsum(axis=1), (drawn**2).cumsum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(0.0, squares - total**2 / blocks) / (blocks - 1)
        quantile = stdtrit(np.maximum(1, blocks - 1), 0.5 + confidence / 2)
        narrow = quantile * np.sqrt(variance / blocks) <= design.margin / 2
    precise = narrow.all(axis=2) & (blocks[:, :, 0] >= MIN_BLOCKS)
    return np.where(precise.any(axis=1), precise.argmax(axis=1) + 1, 0)
