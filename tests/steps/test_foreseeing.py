"""What a plan says of an experiment that was begun is what will happen when it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.plan.kinds import STAGE_ORDER
from runner.plan.records import Plan, Stage
from runner.steps.foreseeing import foresee
from runner.store.artifacts import ArtifactStore
from runner.store.runs import Run
from tests.steps.experiments import spec_of

pytestmark = pytest.mark.fast


def blocks_done(run: Run, tmp_path: Path) -> int:
    store = ArtifactStore(tmp_path / "cache")
    outlook = foresee(spec_of(tmp_path), Plan({}, {}, "", {}), store, run, tmp_path / "runs")
    return outlook.timing.blocks_done


def test_blocks_count_unless_they_were_disturbed_or_had_too_short_a_warm_up(
    fake_run: Run, tmp_path: Path
) -> None:
    journal = fake_run.journal
    for index, reasons in enumerate(([], ["steal"], [], [])):
        journal.append("block", index=index, attempt=0, reasons=reasons)
    assert blocks_done(fake_run, tmp_path) == 3
    journal.append("warmup_lengthened", factor=2, needs_pilot=True)
    assert blocks_done(fake_run, tmp_path) == 0
    journal.append("block", index=4, attempt=0, reasons=[])
    assert blocks_done(fake_run, tmp_path) == 1


@pytest.mark.parametrize("kind", STAGE_ORDER[:-1])
def test_a_stage_is_said_to_be_done_for_an_input_of_any_kind_that_is_yet_to_be_made(
    kind: str, tmp_path: Path
) -> None:
    base = {"architecture": "MobileNetV2", "alpha": 0.35}
    params = {"image_size": [8, 8], "source": {"kind": "digits"}, "file": "f", "at": {"epoch": 1}}
    params |= {"base": base, "model": {"base": base, "head": []}}

    def stage(kind: str, key: str, inputs: dict[str, str]) -> Stage:
        return Stage(kind, key, {"stage": kind, "key": key}, params, inputs, ("a",), ("a",))

    stages = {"1": stage(kind, "1", {}), "2": stage("evaluate", "2", {"model": "1"})}
    store = ArtifactStore(tmp_path / "cache")
    spec = spec_of(tmp_path)
    plan = Plan(stages, {}, "", {})
    first, second = foresee(spec, plan, store, None, tmp_path / "runs").stages
    assert not first.cached
    assert second.reason.endswith(" new")
