"""The design of an experiment that says nothing of it: the figures that the guide argues for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.spec.measurement import Limits, Measure, Report, StageLimits
from runner.spec.model import Spec

pytestmark = pytest.mark.fast


def test_the_usual_measurement_is_the_one_that_is_argued(
    read: Callable[[str], Spec], smallest: str
) -> None:
    spec = read(smallest)
    assert spec.measure == Measure(
        effect=0.02,
        confidence=0.95,
        power=0.9,
        max_time_s=120.0,
        min_blocks=20,
        max_blocks=1000,
        warmup_runs=10,
        warmup_time_s=0.2,
        inputs="real",
        run_gap_s=0.0,
        flush_caches=False,
        sustained_s=None,
        retries=1,
        process_timeout_s=None,
        limits=Limits(steal=0.1, load_cores=1.0, temperature_c=3.0),
        seed=None,
    )
    assert spec.limits == StageLimits(stage_time_s=12 * 3600.0, memory_bytes=None, retries=2)
    assert spec.report == Report(formats=("html",), percentiles=(), sort="spec")


def test_fewer_blocks_than_keep_false_alarms_down_can_not_be_asked_for(
    problems: Callable[[str], list[object]], smallest: str
) -> None:
    (problem,) = problems(f"{smallest}measure: {{min_blocks: 9}}\n")
    assert "at least 10" in str(problem)
