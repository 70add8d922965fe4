"""Verdicts about recipes: the trained model is the replicate, not the process that runs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runner.analysis.statistics import blocks_for_half_width
from runner.analysis.verdicts import Arm, Decision, Design, Verdict, as_ratio, decide, differences


@dataclass(frozen=True)
class RecipeComparison:
    """One recipe against the baseline's, over the models that were trained from each.

    Attributes:
        ratio: of latencies, recipe to baseline; None without a seed of which both were timed.
        interval: of the ratio, at the design's confidence: where another training's would lie on
            average, which no number of blocks can narrow.
        family_interval: the same at the confidence that each recipe has within the family.
        p_value: that the ratio is 1, from the t test over seeds.
        adjusted_p_value: after Holm, within the family of all recipes.
        below_effect: slower or faster for certain, and for certain by less than the effect.
        seeds: of which both recipes' models were timed in the same blocks.
        needed_seeds: in all, at the spread seen, until the interval is narrow enough.
    """

    recipe: str
    baseline: str
    ratio: float | None
    interval: tuple[float, float] | None
    family_interval: tuple[float, float] | None
    p_value: float
    adjusted_p_value: float
    verdict: Verdict
    below_effect: bool
    effect: float
    seeds: int
    needed_seeds: int | None


def compare_recipes(
    arms: Mapping[str, Arm],
    recipes: Mapping[str, Sequence[tuple[str, str]]],
    baseline: str,
    design: Design,
) -> list[RecipeComparison]:
    """Judges every recipe against the baseline's as one family, apart from that of the files.

    A seed's value is the mean over blocks of the paired log ratios of its two models, and the
    interval is Student's over these values: analysing the means of the highest level is exact for
    balanced nested designs, and holds what blocks and processes add as well.

    Source: Kalibera & Jones (2013), Rigorous benchmarking in reasonable time, ISMM, section 7;
    summary statistics of nested data, Cochran (1937), J. R. Stat. Soc. Suppl. 4.

    Args:
        arms: variant's name -> its processes.
        recipes: recipe's name -> for each seed, its variant and the baseline's.
        baseline: the baseline's recipe.
    """
    family = [_seed_values(arms, pairs) for pairs in recipes.values()]
    return [
        _comparison(recipe, baseline, values, decision, design, len(family))
        for recipe, values, decision in zip(recipes, family, decide(family, design), strict=True)
    ]


def _seed_values(arms: Mapping[str, Arm], pairs: Sequence[tuple[str, str]]) -> list[float]:
    per_seed = [differences(arms.get(one, {}), arms.get(base, {})) for one, base in pairs]
    return [float(np.mean(values)) for values in per_seed if values]


def _comparison(
    recipe: str,
    baseline: str,
    values: list[float],
    decision: Decision,
    design: Design,
    family: int,
) -> RecipeComparison:
    interval, known = decision.interval, len(values) > 1
    confidence = design.confidence_of_each(family)
    return RecipeComparison(
        recipe=recipe,
        baseline=baseline,
        ratio=math.exp(interval.mean) if values else None,
        interval=as_ratio(interval),
        family_interval=as_ratio(decision.family_interval),
        p_value=decision.p_value,
        adjusted_p_value=decision.adjusted_p_value,
        verdict=decision.verdict,
        below_effect=decision.below_effect,
        effect=design.effect,
        seeds=len(values),
        needed_seeds=blocks_for_half_width(interval.deviation, design.margin / 2, confidence)
        if known
        else None,
    )
