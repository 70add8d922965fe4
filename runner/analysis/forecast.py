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
from runner.spec.model import Measure

CONTROLS = 2
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
        smallest_effect: the smallest change of latency that is found with `power`, as a share.
        effect: the change that was asked for.
        power: the probability that a change of `smallest_effect` is found.
        is_enough: whether the effect asked for is found with that probability.
        wanted_s: seconds of timing at which it would be; no more than `seconds` where it is.
    """

    arms: int
    blocks: int
    processes: int
    seconds: float
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
    process_s = blocks["elapsed_s"] / (blocks["done"] * arms)
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
    precise = blocks_for_half_width(experience.spread, margin / 2, measure.confidence)
    stop = min(blocks, max(measure.min_blocks, precise))
    found = smallest_effect(
        experience.spread, max(1, stop), power=measure.power, confidence=confidence
    )
    wanted = max(measure.min_blocks, precise)
    sustained_s = variants * ((measure.sustained_s or 0.0) + experience.process_s)
    return Forecast(
        arms=arms,
        blocks=blocks,
        processes=stop * arms,
        seconds=stop * block_s + (sustained_s if measure.sustained_s else 0.0),
        smallest_effect=math.expm1(found) if math.isfinite(found) else math.inf,
        effect=measure.effect,
        power=measure.power,
        is_enough=found <= margin,
        wanted_s=wanted * block_s + (sustained_s if measure.sustained_s else 0.0),
        experience=experience,
    )


def _spread(interval: tuple[float, float], blocks: int, confidence: float) -> float:
    """The deviation behind a t interval of a ratio."""
    half_width = math.log(interval[1] / interval[0]) / 2
    return half_width / expected_half_width(1.0, blocks, confidence)
