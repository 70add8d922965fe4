"""The date may be wrong, and be put right while nobody looks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.store.artifacts import ArtifactStore
from tests.crashes.faults import Faults
from tests.crashes.inspection import Witness, lapses_of_finished
from tests.crashes.tiny import ANSWERED, Tiny
from tests.crashes.trees import Forest

YEAR_S = 365 * 86400


def on(library: Path, seconds: int) -> dict[str, str]:
    return {**os.environ, "LD_PRELOAD": str(library), "FALSE_CLOCK_S": str(seconds)}


@pytest.mark.acceptance
@pytest.mark.parametrize("moved_s", [-YEAR_S, YEAR_S])
def test_a_bench_goes_on_where_it_was_killed_although_the_date_was_changed(
    tiny: Tiny, injure: Callable[..., Faults], false_clock: Path, moved_s: int
) -> None:
    witness = Witness()
    killed = Forest().start(tiny.command, injure("fsync", "tree", 70).environment())
    killed.wait(120)
    assert killed.root.returncode == -9
    assert witness.look(tiny.desk) == []
    assert witness.samples
    tree = Forest().start(tiny.command, on(false_clock, moved_s))
    said = tree.wait(120)
    assert tree.root.returncode in ANSWERED, said
    assert witness.look(tiny.desk) == []
    assert lapses_of_finished(tiny.desk) == []
    assert len(tiny.desk.run_folders(tiny.name)) == 1


@pytest.mark.acceptance
def test_a_fresh_run_is_the_newest_one_although_the_clock_was_set_back(
    tiny: Tiny, false_clock: Path
) -> None:
    assert Forest().start(tiny.command).ended(120) in ANSWERED
    fresh = Forest().start([*tiny.command, "--fresh"], on(false_clock, -YEAR_S))
    assert fresh.ended(120) in ANSWERED
    first, second = tiny.desk.run_folders(tiny.name)
    dates = [json.loads((run / "result.json").read_text())["started"] for run in (first, second)]
    assert dates[1] < dates[0]
    shown = Forest().start(tiny.command).wait(120)
    assert str(second) in " ".join(shown.split())


@pytest.mark.fast
def test_notes_of_a_stage_that_is_wanted_outlive_a_date_of_long_ago(tmp_path: Path) -> None:
    """A board without a battery begins in 1970: then everything of yesterday is 50 years old."""
    store = ArtifactStore(tmp_path)
    wanted, other = store.scratch("train", "a"), store.scratch("train", "b")
    for folder in (wanted, other):
        folder.mkdir(parents=True)
        os.utime(folder, (0, 0))
    store.come_back_to("train", "a")
    store.come_back_to("train", "never begun")
    store.sweep()
    assert (wanted.exists(), other.exists()) == (True, False)
