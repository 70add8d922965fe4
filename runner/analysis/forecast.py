"""What a budget can be expected to find, before the night is spent on it. Pure."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from runner.analysis.approximation import (
    blocks_for_half_width,
    expected_half_width,
    smallest_effect,
)
from runner.spec.measurement import Measure

CONTROLS = 2
# Runs that a process does at most; how many they are is for the pilot to say.
MOST_RUNS = 1000
BYTES_PER_SAMPLE = 8
# What the journal holds of a process; what a run holds beside samples and journal.
_BYTES_PER_PROCESS = 2_000
_BYTES_PER_RUN = 200_000
# Nothing that was seen took less, so that a run back to back has no more samples than this.
_SHORTEST_RUN_S = 50e-6
# Paired within blocks on a shared machine of two cores; see docs/measurement.md.
ASSUMED_SPREAD = 0.02
# A process beside its warm-up: start, library, model, first inference, some timed runs.
ASSUMED_PROCESS_S = 0.15


@dataclass(frozen=True)
class Experience:
    """What earlier timing taught about this machine.

    Attributes:
        spread: standard deviation of the paired log ratios over blocks, of the widest comparison.
        process_s: seconds that a process takes, start and warm-up included.
        source: the run that it comes from; empty for an assumption.
        blocks: how many blocks stand behind it.
    """

    spread: float
    process_s: float
    source: str = ""
    blocks: int = 0


@dataclass(frozen=True)
class Forecast:
    """What to expect of an experiment.

    Attributes:
        arms: processes of a block: the variants and the two controls.
        blocks: how many the budget holds.
        processes: in all of these blocks.
        seconds: until it is as precise as asked, or the budget is spent; with sustained load.
        sustained_s: how many of these are for sustained load.
        smallest_effect: the smallest change of latency that is found with `power`, as a share.
        effect: the change that was asked for.
        power: the probability that a change of `smallest_effect` is found.
        is_enough: whether the effect asked for is found with that probability.
        wanted_s: seconds of timing until it is as precise as asked, whatever the budget; no more
            than `seconds` where the budget holds them.
    """

    arms: int
    blocks: int
    processes: int
    seconds: float
    sustained_s: float
    smallest_effect: float
    effect: float
    power: float
    is_enough: bool
    wanted_s: float
    experience: Experience

    def as_record(self) -> dict[str, Any]:
        """The forecast as JSON."""
        record = asdict(self)
        return record | {"smallest_effect": self.smallest_effect if self.blocks > 1 else None}


def assumed(measure: Measure) -> Experience:
    """What to go by where nothing was measured yet."""
    return Experience(ASSUMED_SPREAD, measure.warmup_time_s + ASSUMED_PROCESS_S)


def experience_of(result: dict[str, Any]) -> Experience | None:
    """What an earlier result teaches; None where it compared nothing.

    Args:
        result: as `result.json` holds it.
    """
    confidence = result["design"]["confidence"]
    spreads = [
        _spread(comparison["interval"], comparison["blocks"], confidence)
        for comparison in result["comparisons"]
        if comparison["interval"] and comparison["blocks"] > 1
    ]
    blocks = result["blocks"]
    arms = len(result["variants"]) + CONTROLS
    if not spreads or not blocks["done"]:
        return None
    # Results of before this was kept have the pilot, and what was done again, in it.
    block_s = blocks.get("block_s") or blocks["elapsed_s"] / blocks["done"]
    process_s = block_s / arms
    return Experience(max(spreads), process_s, result["run_id"], blocks["done"])


def foresee_timing(
    measure: Measure, variants: int, comparisons: int, experience: Experience
) -> Forecast:
    """What the experiment of a spec will likely take and find.

    Args:
        variants: how many are timed, the baseline among them.
        comparisons: how many of them are compared with a baseline.
    """
    arms = variants + CONTROLS
    block_s = arms * experience.process_s
    blocks = min(measure.max_blocks, int(measure.max_time_s / block_s))
    confidence = 1 - (1 - measure.confidence) / max(1, comparisons)
    margin = math.log1p(measure.effect)
    precise = blocks_for_half_width(experience.spread, margin / 2, confidence)
    stop = min(blocks, max(measure.min_blocks, precise))
    found = smallest_effect(
        experience.spread, max(1, stop), power=measure.power, confidence=confidence
    )
    wanted = max(measure.min_blocks, precise)
    each_s = measure.sustained_s
    sustained_s = variants * (each_s + experience.process_s) if each_s else 0.0
    return Forecast(
        arms=arms,
        blocks=blocks,
        processes=stop * arms,
        seconds=stop * block_s + sustained_s,
        sustained_s=sustained_s,
        smallest_effect=math.expm1(found) if math.isfinite(found) else math.inf,
        effect=measure.effect,
        power=measure.power,
        is_enough=found <= margin,
        wanted_s=wanted * block_s + sustained_s,
        experience=experience,
    )


def foresee_samples(
    forecast: Forecast, *, blocks_done: int, runs: int | None, sustained_s: float, run_s: float
) -> int:
    """Bytes that a run's samples and journal will take at the most.

    Args:
        blocks_done: whose samples are on the disk already.
        runs: of a process, where a pilot has said so; None for as many as there can be.
        sustained_s: seconds that each variant runs back to back; 0 for not at all.
        run_s: seconds of the shortest inference, where it is known; 0 where it is not.
    """
    processes = max(0, forecast.blocks - blocks_done) * forecast.arms
    timed = processes * ((runs or MOST_RUNS) * BYTES_PER_SAMPLE + _BYTES_PER_PROCESS)
    back_to_back = sustained_s / (run_s or _SHORTEST_RUN_S) * BYTES_PER_SAMPLE
    variants = forecast.arms - CONTROLS
    return _BYTES_PER_RUN + timed + math.ceil(variants * back_to_back)


def _spread(interval: tuple[float, float], blocks: int, confidence: float) -> float:
    """The deviation behind a t interval of a ratio."""
    half_width = math.log(interval[1] / interval[0]) / 2
    return half_width / expected_half_width(1.0, blocks, confidence)
