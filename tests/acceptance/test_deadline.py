"""An end that comes in the middle of a real training."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from runner.build.checkpoints import CHECKPOINT
from runner.errors import OutOfTimeError
from runner.pipeline import Places, answer
from runner.report.progress import LineDisplay
from runner.spec.expand import read_spec
from runner.steps.deadline import Deadline
from tests.bench import SMALL, Desk
from tests.crashes.inspection import lapses_of_finished

pytestmark = pytest.mark.acceptance

EPOCHS = 12


@dataclass(frozen=True)
class FirstCheckpoint(Deadline):
    """Comes when a training has kept its first epoch."""

    cache: Path = Path()

    @property
    def left_s(self) -> float:
        return 0.0 if any(self.cache.glob(f"checkpoints/*/{CHECKPOINT}")) else 60.0

    @property
    def wait_s(self) -> float:
        return 0.02


def test_a_training_that_is_out_of_time_goes_on_later_at_its_epoch(tmp_path: Path) -> None:
    root = tmp_path / "desk"
    root.mkdir()
    desk = Desk(root / "runs", root / "cache")
    places = Places(desk.runs, desk.cache)
    path = tmp_path / "small.yaml"
    text = SMALL.read_text().replace("epochs: 1,", f"epochs: {EPOCHS},")
    text = text.replace("seed: 7", "seed: 7, limit: 60").replace(
        "trainable: none", "trainable: all"
    )
    text = text.partition("matrix:")[0]
    path.write_text(text)
    spec = read_spec(path)
    display = LineDisplay(Console(file=io.StringIO()))
    with pytest.raises(OutOfTimeError):
        answer(spec, places, display, command="", deadline=FirstCheckpoint(cache=desk.cache))
    statuses = [
        (event["stage"], event["status"]) for event in desk.events() if event["event"] == "stage"
    ]
    assert statuses[-1] == ("train", "interrupted")
    result = answer(spec, places, display, command="").result
    assert result["variants"][0]["status"] == "done"
    (manifest,) = desk.cache.glob("train/*/manifest.json")
    assert 1 <= json.loads(manifest.read_text())["summary"]["resumed_after"] < EPOCHS
    assert lapses_of_finished(desk) == []
