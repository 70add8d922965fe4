"""A machine that never was: drift, spikes and a level of its own for each process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runner.analysis.summaries import ProcessSummary
from runner.analysis.verdicts import Comparison, Design, compare, is_precise

MIN_BLOCKS = 10


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


def process(level: float, block: int) -> ProcessSummary:
    """A process of which only the level matters."""
    return ProcessSummary(
        block=block,
        log_median=level,
        log_mean=level,
        log_percentiles=(level,) * 4,
        min_ns=1,
        runs=1,
        steady=True,
        settling=False,
        outliers=0,
        initialization_ns=1,
        first_inference_ns=1,
        peak_memory_bytes=0,
    )


def run_experiment(
    ratios: Mapping[str, float],
    design: Design,
    machine: Machine,
    max_blocks: int,
    generator: np.random.Generator,
) -> tuple[list[Comparison], bool]:
    """One experiment by the real stopping rule; the first name is the baseline's.

    Returns:
        The comparisons, and whether the precision asked for was reached.
    """
    names = list(ratios)
    arms: dict[str, dict[int, ProcessSummary]] = {name: {} for name in names}
    drift = 0.0
    for block in range(max_blocks):
        for index in generator.permutation(len(names)):
            drift += float(generator.normal(0, machine.drift))
            level = float(generator.normal(0, machine.layout))
            if generator.random() < machine.spike_share:
                spike = abs(float(generator.standard_cauchy())) * machine.spike_scale
                level += min(spike, 1.0)
            name = names[index]
            arms[name][block] = process(13 + np.log(ratios[name]) + drift + level, block)
        if is_precise(arms, names[0], design, MIN_BLOCKS):
            return compare(arms, names[0], design, generator), True
    return compare(arms, names[0], design, generator), False
