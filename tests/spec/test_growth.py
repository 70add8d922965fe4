"""The work grows with the variants, no faster; what they share is done once. Counted, not timed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from runner.plan.records import Surroundings
from runner.plan.stages import make_plan
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.model import Spec
from tests.spec.conftest import SMALLEST

pytestmark = pytest.mark.fast

ROOT = str(Path(__file__).parents[2] / "runner")
# Called once for each different value of a field, however many variants there are.
SHARED = ("complete", "fits", "structural_findings", "build_train", "build_runtime", "_read")


def spec_of(variants: int, extra: str = "") -> str:
    """A spec with so many variants, of two axes; a hundred values of one stay the same."""
    seeds = list(range(variants // 10))
    return (
        f"{SMALLEST}measure: {{max_time: 9000h, effect: 90%}}\n"
        f"matrix:\n  limit: 10000\n  train.seed: {seeds}\n"
        f"  runtime.threads: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n{extra}"
        "baseline: {train.seed: 0, runtime.threads: 1}\n"
    )


def calls_of(work: Callable[[], Any]) -> Counter[str]:
    """How often each function of the package is called."""
    counts: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ROOT):
            counts[frame.f_code.co_name] += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counts


def expanded(text: str) -> Spec:
    return expand(parse(text.encode(), file="spec.yaml", folder=Path()))


def planned(spec: Spec) -> None:
    libraries = {variant.name: "x" for variant in spec.variants}
    make_plan(spec, Surroundings({}, {}, libraries, "host"))


def test_every_step_grows_with_the_variants_at_the_most() -> None:
    few, many = (calls_of(lambda n=n: expanded(spec_of(n))) for n in (100, 1000))
    assert few["combinations"] > 50
    steeper = {
        name: (few[name], count) for name, count in many.items() if count > 11 * few[name] + 20
    }
    assert steeper == {}


def test_what_variants_share_is_worked_out_once() -> None:
    # The same seeds with ten times the threads: no value is new but ten numbers of threads.
    few, many = (calls_of(lambda n=n: expanded(spec_of(n))) for n in (100, 1000))
    new_values = 1000 // 10 - 100 // 10
    for name in SHARED:
        assert few[name] > 0, name
        # Each new seed is looked at a bounded number of times; its thousand variants are not.
        assert many[name] - few[name] <= 60 * new_values, name
    assert many["build_runtime"] == few["build_runtime"] == 10


def test_expectations_and_exclusions_grow_in_step() -> None:
    extra = "  exclude: [{train.seed: 1, runtime.threads: 1}]\n"
    few, many = (calls_of(lambda n=n: expanded(spec_of(n, extra))) for n in (100, 1000))
    assert all(count <= 11 * few[name] + 20 for name, count in many.items())


def test_planning_grows_with_the_variants_at_the_most() -> None:
    few, many = (calls_of(lambda n=n: planned(expanded(spec_of(n)))) for n in (100, 1000))
    assert few["add_variant"] == 100
    assert all(count <= 11 * few[name] + 20 for name, count in many.items())
    assert many["_runtime"] == few["_runtime"] == 10
