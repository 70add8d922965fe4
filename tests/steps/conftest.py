"""What experiments without a model share."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.report.progress import Display, LineDisplay
from runner.spec.measurement import Limits
from runner.steps.question import Question
from runner.store.runs import Run, RunStore
from runner.timing.protocol import DELAYED, IDENTICAL, Arm
from tests.steps.experiments import BASE, OTHER
from tests.steps.test_measuring import MEASURE


@pytest.fixture
def display() -> Display:
    return LineDisplay(Console(file=io.StringIO()))


@pytest.fixture
def fake_run(tmp_path: Path) -> Run:
    plan = {"schedule_seed": 1, "arms": [BASE, OTHER, IDENTICAL, DELAYED]}
    return RunStore(tmp_path, "sample").create("ab" * 32, plan)


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Question]:
    (tmp_path / "model").write_bytes(b"model")

    def make(**changes: Any) -> Question:
        arms = [Arm(name, "lib", str(tmp_path / "model"), "", "none", 1) for name in (BASE, OTHER)]
        # A block of a fake takes less than the kernel's tick, of which any share may be stolen.
        unjudged = Limits(steal=1e9, load_cores=1e9, temperature_c=1e9)
        usual = {"max_blocks": 3, "min_blocks": 3, "limits": unjudged}
        plan = dataclasses.replace(MEASURE, **(usual | changes))
        return Question(arms, BASE, {OTHER: BASE}, plan, seed=1)

    return make
