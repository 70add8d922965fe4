"""Whether a time budget can hold the experiment at all, known before anything is measured.

These are bounds for the best case: a machine as quiet as any that was seen, and inferences that
cost nothing. What a budget really finds is worked out by `plan`, from what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any

from runner.spec.document import Finding
from runner.units import format_duration, format_share

# A spread of paired log ratios over blocks that no machine was seen to fall below (0.5 % was seen).
QUIETEST_SPREAD = 0.002
# From fork to the first inference of a process that runs a tiny model; warm-up comes on top.
LEAST_PROCESS_S = 0.03
CONTROLS = 2


def budget_findings(measure: Mapping[str, Any], variants: int) -> Iterator[Finding]:
    """What can't be reached in the time and blocks that are allowed, however quiet the machine."""
    arms = variants + CONTROLS
    block_s = arms * (measure["warmup_time"] + LEAST_PROCESS_S)
    fewest, budget_s = measure["min_blocks"], measure["max_time"]
    if budget_s < fewest * block_s:
        needed = format_duration(math.ceil(fewest * block_s))
        message = (
            f"{format_duration(budget_s)} can't hold {fewest} blocks of {arms} processes"
            f" (controls included), which take {needed} in warm-up alone"
        )
        remedy = f"allow more, for example max_time: {_round_up(2 * fewest * block_s)}"
        yield Finding(("measure", "max_time"), message, remedy)
        return
    blocks = min(measure["max_blocks"], int(budget_s / block_s))
    smallest = smallest_effect(blocks, max(1, variants - 1), measure)
    if measure["effect"] < smallest and variants > 1:
        message = (
            f"{format_share(measure['effect'])} can't be told from noise in"
            f" {format_duration(budget_s)}: on the quietest machine {blocks} blocks tell"
            f" {format_share(smallest)}"
        )
        factor = (smallest / measure["effect"]) ** 2
        remedy = f"write a larger effect, or allow more: about {_round_up(budget_s * factor)}"
        yield Finding(("measure", "effect"), message, remedy)


def smallest_effect(blocks: int, comparisons: int, measure: Mapping[str, Any]) -> float:
    """The smallest effect that so many blocks find at the quietest, as a share of the baseline.

    The normal approximation of the paired t test's power (Chow, Shao and Wang, Sample Size
    Calculations in Clinical Research, 2008, chapter 3), at Bonferroni's level.
    """
    normal = NormalDist()
    level = (1 - measure["confidence"]) / comparisons
    sigmas = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(measure["power"])
    return sigmas * QUIETEST_SPREAD / math.sqrt(max(1, blocks))


def _round_up(seconds: float) -> str:
    """A duration as a spec has it."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{math.ceil(seconds / size)}{unit}"
    return f"{math.ceil(seconds)}s"
