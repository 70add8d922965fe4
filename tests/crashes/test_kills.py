"""Killed at every kind of instant, a bench goes on and ends as if nothing had been."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import Desk
from tests.crashes.faults import Faults
from tests.crashes.inspection import Witness, lapses_of_finished
from tests.crashes.tiny import ANSWERED, Tiny
from tests.crashes.trees import Forest

# More starts than there are sites.
MOST_STARTS = 120
KILLED = -9

TRAINING = """
spec: 1
name: trained
data: {source: digits, image_size: [32, 32], limit: 60}
model:
  base: {architecture: MobileNetV2, alpha: 0.35, weights: none}
  head: [global_average_pooling, classifier]
  trainable: {last: 2}
train: {epochs: 2, batch_size: 32, optimizer: {adam: {learning_rate: 1.0e-3}}}
measure:
  effect: 90%
  min_blocks: 10
  max_blocks: 10
  warmup_time: 1ms
  warmup_runs: 1
  limits: {steal: 100%, load: 1000, temperature: 100}
"""


def killed_until_done(command: list[str], desk: Desk, faults: Faults) -> str:
    """Starts a command again and again, each time killed at a new site; what the last one said."""
    witness = Witness()
    for _ in range(MOST_STARTS):
        tree = Forest().start(command, faults.environment())
        said = tree.wait(300)
        assert tree.orphans() == []
        assert witness.look(desk) == []
        if tree.root.returncode != KILLED:
            assert tree.root.returncode in ANSWERED, said
            return said
    pytest.fail(f"not done after {MOST_STARTS} starts: {faults.sites()}")


def to_train(folder: Path) -> tuple[Desk, Path]:
    """A desk of its own, and a spec that trains."""
    root = folder / "desk"
    root.mkdir()
    spec = folder / "trained.yaml"
    spec.write_text(TRAINING)
    return Desk(root / "runs", root / "cache"), spec


@pytest.mark.acceptance
def test_a_bench_killed_at_each_kind_of_sync_and_rename_ends_whole_and_repeats_nothing(
    tiny: Tiny, injure: Callable[..., Faults]
) -> None:
    faults = injure("fsync rename", do="tree", at="new")
    killed_until_done(tiny.command, tiny.desk, faults)
    sites = set(faults.sites())
    name = "/runs/model#-vs-model#"
    run = f"{name}/#-#-#"
    assert {
        f"fsync {run}/journal.jsonl",
        f"fsync {run}/samples/#.i#",
        f"fsync {run}/samples",
        f"fsync {run}",
        f"fsync {name}",
        f"rename {run}/result.json",
        f"rename {run}/report.html",
        f"rename {run}/spec.yaml",
        "rename /cache/adopt/#",
        "rename /cache/evaluate/#",
    } <= sites
    assert any("plan.json" in site for site in sites)
    assert any("manifest.json" in site for site in sites)
    assert lapses_of_finished(tiny.desk) == []
    assert len(tiny.desk.run_folders(tiny.name)) == 1


@pytest.mark.acceptance
def test_a_bench_killed_at_every_so_many_syncs_ends_whole(
    tiny: Tiny, injure: Callable[..., Faults]
) -> None:
    """Other instants than the first of each kind: in the middle of blocks."""
    faults, witness, at = injure("fsync rename", do="tree", at=1), Witness(), 33
    for _ in range(MOST_STARTS):
        injured = Faults(**{**vars(faults), "at": at})
        tree = Forest().start(tiny.command, injured.environment())
        said = tree.wait(120)
        assert witness.look(tiny.desk) == []
        if tree.root.returncode != KILLED:
            break
        # Each start gets through, and is killed at another instant.
        at = 17 + (at * 7) % 20
    assert tree.root.returncode in ANSWERED, said
    assert lapses_of_finished(tiny.desk) == []


@pytest.mark.acceptance
def test_a_training_killed_at_each_kind_of_rename_goes_on_at_its_epoch(
    tmp_path: Path, injure: Callable[..., Faults]
) -> None:
    desk, spec = to_train(tmp_path)
    faults = injure("rename", do="tree", at="new", below="desk/cache")
    killed_until_done(desk.command("bench", spec), desk, faults)
    sites = set(faults.sites())
    for stage in ("data", "train", "convert", "evaluate"):
        assert f"rename /{stage}/#" in sites
    assert any("checkpoints" in site for site in sites)
    assert lapses_of_finished(desk) == []
    (manifest,) = desk.cache.glob("train/*/manifest.json")
    summary = json.loads(manifest.read_text())["summary"]
    assert summary["resumed_after"] == 1


@pytest.mark.acceptance
def test_a_worker_that_is_killed_is_replaced_and_its_training_goes_on(
    tmp_path: Path, injure: Callable[..., Faults]
) -> None:
    """As the kernel does when memory runs out: the parent lives, and tries again."""
    desk, spec = to_train(tmp_path)
    faults = injure("rename", do="kill", at=1, below="desk/cache/checkpoints")
    tree = Forest().start(desk.command("bench", spec), faults.environment())
    said = tree.wait(300)
    assert tree.root.returncode in ANSWERED, said
    assert tree.orphans() == []
    (again,) = [event for event in desk.events("trained") if event["event"] == "stage_retried"]
    assert (again["stage"], again["error"]["kind"]) == ("train", "killed")
    assert "likely out of memory" in again["error"]["message"]
    assert "tried again in 2 s" in said
    assert lapses_of_finished(desk) == []


@pytest.mark.acceptance
@pytest.mark.parametrize(("do", "words"), [("full", "no space left"), ("broken", "Input/output")])
def test_writes_that_fail_at_each_kind_of_place_end_with_a_reason_and_lose_nothing(
    tiny: Tiny, injure: Callable[..., Faults], do: str, words: str
) -> None:
    faults, witness = injure("write", do=do, at="new"), Witness()
    for _ in range(MOST_STARTS):
        before = len(faults.sites())
        tree = Forest().start(tiny.command, faults.environment())
        said = tree.wait(120)
        assert "Traceback" not in said
        assert tree.orphans() == []
        assert witness.look(tiny.desk) == []
        if len(faults.sites()) == before:
            break
        if any(place in faults.sites()[-1] for place in ("/.history/", "/_now/")):
            # Notes for whoever looks: an index that heals itself, and how far the work is.
            assert tree.root.returncode in (3, 4, *ANSWERED), (faults.sites()[-1], said)
            continue
        assert tree.root.returncode in (3, 4), (faults.sites()[-1], said)
        assert words in said, (faults.sites()[-1], said)
    assert tree.root.returncode in ANSWERED, said
    sites = " ".join(faults.sites())
    for place in ("journal.jsonl", "samples", "result.json", "report.html", "model.tflite"):
        assert place in sites
    assert lapses_of_finished(tiny.desk) == []


@pytest.mark.acceptance
def test_a_training_killed_when_it_is_done_leaves_no_checkpoint(
    tmp_path: Path, injure: Callable[..., Faults]
) -> None:
    """Its artifact is there, and what it would have gone on with is not removed yet."""
    desk, spec = to_train(tmp_path)
    faults = injure("fsync", do="tree", at=1, below="desk/cache/train")
    command = desk.command("bench", spec)
    assert Forest().start(command, faults.environment()).ended(300) == KILLED
    assert faults.sites() == ["fsync "]
    assert list(desk.cache.glob("train/*/manifest.json"))
    assert list(desk.cache.glob("checkpoints/train-*"))
    tree = Forest().start(command)
    said = tree.wait(300)
    assert tree.root.returncode in ANSWERED, said
    assert not list(desk.cache.glob("checkpoints/*"))
    assert lapses_of_finished(desk) == []
