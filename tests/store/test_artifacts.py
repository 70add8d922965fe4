"""Artifacts are whole or absent, whatever happens to them."""

import os
import time
from pathlib import Path

import pytest

from runner.store.artifacts import Artifact, ArtifactStore, Checked

pytestmark = pytest.mark.fast

KEY = "ab" * 32


def make(store: ArtifactStore, text: str = "content", key: str = KEY) -> Artifact:
    draft = store.draft("train", key)
    (draft / "sub").mkdir()
    (draft / "sub" / "model.bin").write_text(text)
    return store.commit(
        draft, "train", key, identity={"stage": "train"}, summary={"loss": 1}, seconds=2.5
    )


def test_what_was_committed_is_found_with_its_summary(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    made = make(store)
    found = store.check("train", KEY).artifact
    assert found == made
    assert found.file("sub/model.bin").read_text() == "content"
    assert (found.summary, found.seconds) == ({"loss": 1}, 2.5)
    store.tidy()
    assert not list((tmp_path / "tmp").iterdir())


def test_a_draft_is_invisible_until_committed_and_gone_when_discarded(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    draft = store.draft("train", KEY)
    (draft / "half").write_text("h")
    assert store.find("train", KEY) is None
    store.discard(draft)
    assert not draft.exists()


def test_a_flipped_bit_is_detected_and_the_artifact_removed(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    file = make(store).file("sub/model.bin")
    file.write_text("cOntent")
    assert store.find("train", KEY) is not None
    assert store.check("train", KEY) == Checked(None, ("sub/model.bin",))
    assert store.find("train", KEY) is None
    # What is gone is not damaged any more.
    assert store.check("train", KEY) == Checked(None)


@pytest.mark.parametrize("damage", ["missing", "short", "manifest"])
def test_a_damaged_artifact_is_absent_and_can_be_made_again(tmp_path: Path, damage: str) -> None:
    store = ArtifactStore(tmp_path)
    artifact = make(store)
    if damage == "missing":
        artifact.file("sub/model.bin").unlink()
    elif damage == "short":
        artifact.file("sub/model.bin").write_text("c")
    else:
        artifact.file("manifest.json").write_text('{"format": 1, "fil')
    assert store.find("train", KEY) is None
    name = "manifest.json" if damage == "manifest" else "sub/model.bin"
    assert store.check("train", KEY) == Checked(None, (name,))
    assert make(store).file("sub/model.bin").read_text() == "content"


def test_two_that_make_the_same_artifact_both_succeed(tmp_path: Path) -> None:
    first, second = ArtifactStore(tmp_path), ArtifactStore(tmp_path)
    one = first.draft("train", KEY)
    (one / "a").write_text("x")
    other = one.with_name(one.name.replace(".", ".9"))
    other.mkdir()
    (other / "a").write_text("x")
    for store, draft in ((first, one), (second, other)):
        made = store.commit(draft, "train", KEY, identity={}, summary={}, seconds=0)
        assert made.file("a").read_text() == "x"


def test_tidying_removes_what_this_process_left_and_nothing_of_others(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    draft = store.draft("train", KEY)
    other = draft.with_name("train-abcdef.1")
    other.mkdir()
    store.tidy()
    assert not draft.exists()
    assert other.exists()


def test_drafts_of_dead_processes_are_swept(tmp_path: Path) -> None:
    dead = tmp_path / "tmp" / "train-abcdef.4194305"
    dead.mkdir(parents=True)
    alive = ArtifactStore(tmp_path).draft("train", KEY)
    other = ArtifactStore(tmp_path)
    own = other.draft("train", "cd" * 32)
    other.sweep()
    assert not dead.exists()
    assert alive.exists()
    assert own.exists()


def test_notes_of_a_stage_outlive_a_failed_attempt_and_go_with_a_finished_one(
    tmp_path: Path,
) -> None:
    store = ArtifactStore(tmp_path)
    notes = store.scratch("train", "k" * 64)
    assert not notes.exists()
    draft = store.draft("train", "k" * 64)
    notes.mkdir(parents=True)
    (notes / "checkpoint").write_text("epoch 3")
    store.discard(draft)
    assert (store.scratch("train", "k" * 64) / "checkpoint").read_text() == "epoch 3"
    store.commit(
        store.draft("train", "k" * 64), "train", "k" * 64, identity={}, summary={}, seconds=1.0
    )
    assert not notes.exists()


def test_notes_that_nobody_comes_back_to_are_forgotten(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    old, new = store.scratch("train", "a"), store.scratch("train", "b")
    for folder in (old, new):
        folder.mkdir(parents=True)
    month_ago = time.time() - 31 * 86400
    os.utime(old, (month_ago, month_ago))
    store.sweep()
    assert (old.exists(), new.exists()) == (False, True)
