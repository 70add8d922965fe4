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
from runner.spec.schema import sub_schema
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
        room = format_duration(budget_s)
        if blocks == measure["max_blocks"]:
            room = f"{blocks} blocks (max_blocks)"
        message = (
            f"{format_share(measure['effect'])} can't be told from noise in {room}:"
            f" on the quietest machine {blocks} blocks tell {format_share(smallest)}"
        )
        factor = (smallest / measure["effect"]) ** 2
        remedy = f"write a larger effect, for example effect: {_share_above(smallest)}"
        more = _allowing(math.ceil(blocks * factor) + 1, block_s, measure)
        yield Finding(("measure", "effect"), message, f"{remedy}{more}")


def _allowing(blocks: int, block_s: float, measure: Mapping[str, Any]) -> str:
    """What has to be allowed for so many blocks; empty where a spec can't have as many."""
    needed_s = blocks * block_s
    bounds = sub_schema(("measure", "max_blocks")) or {}
    if blocks > bounds["maximum"]:
        return ""
    more = [f"max_time: {_round_up(needed_s)}"] if needed_s > measure["max_time"] else []
    more += [f"max_blocks: {blocks}"] if blocks > measure["max_blocks"] else []
    return f"; or allow more: {', '.join(more)}"


def _share_above(share: float) -> str:
    """A percentage of two digits that is no smaller, as a spec has it."""
    percent = share * 100
    digits = max(0, 1 - math.floor(math.log10(percent)))
    return f"{math.ceil(percent * 10**digits) / 10**digits:.{digits}f}%"


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
