"""Student's t without SciPy, whose import takes longer than a plan may: for forecasts only. Pure.

Verdicts use the exact distribution of `statistics`; a test holds these against it.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_MOST_BLOCKS = 1_000_000


def t_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t, within a thousandth from 9 degrees of freedom on.

    Source: Abramowitz & Stegun (1964), Handbook of mathematical functions, 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / float(freedom) ** power for power, term in enumerate(terms))


def expected_half_width(deviation: float, blocks: int, confidence: float) -> float:
    """The half-width of a t interval of that many differences with this standard deviation."""
    return t_quantile(0.5 + confidence / 2, blocks - 1) * deviation / math.sqrt(blocks)


def blocks_for_half_width(deviation: float, half_width: float, confidence: float) -> int:
    """The least number of blocks whose t interval is expected to have this half-width or less."""
    low, high = 2, 2
    while expected_half_width(deviation, high, confidence) > half_width and high < _MOST_BLOCKS:
        low, high = high + 1, high * 2
    while low < high:
        middle = (low + high) // 2
        enough = expected_half_width(deviation, middle, confidence) <= half_width
        low, high = (low, middle) if enough else (middle + 1, high)
    return low


def smallest_effect(deviation: float, blocks: int, *, power: float, confidence: float) -> float:
    """The smallest mean difference that `blocks` blocks find with this power.

    Source: Chow, Shao & Wang (2008), Sample size calculations in clinical research, chapter 3: the
    quantiles of the test and of its power add up.
    """
    if blocks < 2:
        return math.inf
    freedom = blocks - 1
    sigmas = t_quantile(0.5 + confidence / 2, freedom) + t_quantile(power, freedom)
    return sigmas * deviation / math.sqrt(blocks)
