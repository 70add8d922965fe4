"""What goes from a cache is what was asked for, and nothing that somebody would miss."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from runner.plan.stages import content_key
from runner.steps.clearing import prune, remove_damaged, verify
from runner.store.artifacts import ArtifactStore
from runner.store.pruning import Choice, Wish, choose
from runner.store.stock import take_stock
from tests.store.shelf import DAY_S, Shelf, folder_name

pytestmark = pytest.mark.fast

NOW_S = time.time()
DIE_AT_A_DRAFT = """
import os, sys
from pathlib import Path
from runner.store.artifacts import ArtifactStore
draft = ArtifactStore(Path(sys.argv[1])).draft("train", "a" * 64)
(draft / "half").write_bytes(b"x" * 10)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def chosen(shelf: Shelf, wish: Wish, now_s: float = NOW_S) -> Choice:
    return choose(take_stock(shelf.cache, shelf.runs), wish, now_s)


def keys(choice: Choice) -> list[str]:
    return [one.key for one in choice.items]


def test_stock_tells_sizes_ages_and_who_needs_what(shelf: Shelf) -> None:
    used, idle = shelf.artifact("used", size=5000, used_s=NOW_S - DAY_S), shelf.artifact("idle")
    done, open_run = shelf.run("one", used), shelf.run("two", used, finished=False)
    items = {item.key: item for item in take_stock(shelf.cache, shelf.runs).items}
    assert items[used].bytes == 5000
    assert items[used].used_s == pytest.approx(NOW_S - DAY_S)
    assert items[used].runs == (folder_name(done), folder_name(open_run))
    assert items[used].unfinished_runs == (folder_name(open_run),)
    assert (items[idle].runs, items[idle].is_whole) == ((), True)


def test_age_counts_from_the_last_use_and_using_changes_no_file(shelf: Shelf) -> None:
    old, fresh = (shelf.artifact(name, used_s=NOW_S - 40 * DAY_S) for name in ("old", "fresh"))
    folder = shelf.cache / "train" / fresh
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert ArtifactStore(shelf.cache).check("train", fresh).artifact
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert keys(chosen(shelf, Wish(older_than_s=30 * DAY_S))) == [old]


def test_unused_is_what_no_run_was_planned_with(shelf: Shelf) -> None:
    used, idle = shelf.artifact("used"), shelf.artifact("idle")
    shelf.run("one", used)
    assert keys(chosen(shelf, Wish(unused=True))) == [idle]


def test_to_a_size_the_longest_unused_go_first_and_no_more_than_needed(shelf: Shelf) -> None:
    made = [shelf.artifact(str(age), used_s=NOW_S - age * DAY_S) for age in (1, 3, 2, 4)]
    choice = chosen(shelf, Wish(to_bytes=2500))
    assert keys(choice) == [made[3], made[1]]
    assert choice.bytes_left == 2000
    assert keys(chosen(shelf, Wish(to_bytes=4000))) == []


def test_conditions_that_are_given_together_must_all_hold(shelf: Shelf) -> None:
    old_used, old, _ = (
        shelf.artifact(name, used_s=NOW_S - age * DAY_S)
        for name, age in (("a", 40), ("b", 35), ("c", 1))
    )
    shelf.run("one", old_used)
    assert keys(chosen(shelf, Wish(older_than_s=30 * DAY_S, unused=True))) == [old]


@pytest.mark.parametrize(
    "state", [{"finished": False}, {"stopped": "deadline"}, {"stopped": "disturbed"}]
)
def test_what_an_unfinished_run_would_go_on_with_goes_only_when_that_is_asked(
    shelf: Shelf, state: dict[str, Any]
) -> None:
    key = shelf.artifact("needed")
    shelf.run("one", key, **state)
    choice = chosen(shelf, Wish(older_than_s=0.0))
    assert (keys(choice), [one.key for one in choice.unfinished]) == ([], [key])
    assert keys(chosen(shelf, Wish(older_than_s=0.0, unfinished=True))) == [key]


def test_a_clock_that_was_set_back_makes_nothing_old(shelf: Shelf) -> None:
    shelf.artifact("future", used_s=NOW_S + 400 * DAY_S)
    assert keys(chosen(shelf, Wish(older_than_s=1.0))) == []


def test_drafts_of_ended_processes_go_in_any_case_and_those_of_living_ones_stay(
    shelf: Shelf,
) -> None:
    subprocess.run([sys.executable, "-c", DIE_AT_A_DRAFT, shelf.cache], check=False)
    (left,) = take_stock(shelf.cache, shelf.runs).leftovers
    assert (left.kind, left.stage, left.key, left.bytes) == ("draft", "train", "a" * 12, 10)
    store = ArtifactStore(shelf.cache)
    alive = store.draft("train", "b" * 64)
    # A token of digits alone, which looks like the number of a process.
    digits = shelf.cache / "tmp" / f"train-{'c' * 12}.{'9' * 12}"
    digits.mkdir()
    (shelf.cache / "tmp" / f"{'9' * 12}.owner").touch()
    with (shelf.cache / "tmp" / f"{'9' * 12}.owner").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        choice = prune(shelf.cache, shelf.runs, Wish(older_than_s=DAY_S), print, dry_run=False)
    assert choice.leftovers == (left,)
    assert (left.folder.exists(), alive.exists(), digits.exists()) == (False, True, True)
    prune(shelf.cache, shelf.runs, Wish(older_than_s=DAY_S), print, dry_run=False)
    assert not digits.exists()
    store.tidy()
    assert list((shelf.cache / "tmp").iterdir()) == []


def test_clearing_up_leaves_nothing_of_its_own(shelf: Shelf) -> None:
    shelf.artifact("idle")
    damaged = shelf.artifact("damaged")
    shelf.damage(damaged)
    _, found = verify(shelf.cache, shelf.runs)
    assert [one.is_removed for one in remove_damaged(shelf.cache, found, print)] == [True]
    assert list((shelf.cache / "tmp").iterdir()) == []
    prune(shelf.cache, shelf.runs, Wish(unused=True), print, dry_run=False)
    assert shelf.left() == set()
    assert list((shelf.cache / "tmp").iterdir()) == []


def test_checkpoints_go_as_artifacts_do_and_stay_for_an_unfinished_run(shelf: Shelf) -> None:
    for key in ("needed", "forgotten"):
        folder = shelf.cache / "checkpoints" / f"train-{key}"
        folder.mkdir(parents=True)
        (folder / "checkpoint.npz").write_bytes(b"x" * 100)
        os.utime(folder, (NOW_S - 2 * DAY_S, NOW_S - 2 * DAY_S))
    shelf.run("one", "needed", finished=False)
    choice = prune(shelf.cache, shelf.runs, Wish(older_than_s=DAY_S), print, dry_run=False)
    assert [one.key for one in choice.leftovers] == ["forgotten"]
    assert [one.key for one in choice.unfinished] == ["needed"]
    assert [path.name for path in (shelf.cache / "checkpoints").iterdir()] == ["train-needed"]


def test_a_dry_run_removes_nothing_and_says_the_same(shelf: Shelf) -> None:
    key = shelf.artifact("idle")
    said = prune(shelf.cache, shelf.runs, Wish(unused=True), print, dry_run=True)
    assert shelf.left() == {key}
    done = prune(shelf.cache, shelf.runs, Wish(unused=True), print, dry_run=False)
    assert shelf.left() == set()
    assert (keys(said), said.bytes_left) == (keys(done), done.bytes_left)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("bit", "model.bin: its content has changed"),
        ("short", "model.bin: 3 bytes long instead of 1000"),
        ("missing", "model.bin: no such file or directory"),
        ("manifest", "manifest.json: missing, or not as it was written"),
        ("identity", "manifest.json: missing, or not as it was written"),
    ],
)
def test_every_damage_is_named_and_what_is_sound_is_not(
    shelf: Shelf, damage: str, words: str
) -> None:
    key, _ = shelf.artifact("one"), shelf.artifact("sound")
    folder = shelf.cache / "train" / key
    if damage == "bit":
        shelf.damage(key)
    elif damage == "short":
        (folder / "model.bin").write_bytes(b"one")
    elif damage == "missing":
        (folder / "model.bin").unlink()
    elif damage == "manifest":
        (folder / "manifest.json").write_text('{"format": 1, "fil')
    else:
        text = (folder / "manifest.json").read_text()
        (folder / "manifest.json").write_text(text.replace('"name": "one"', '"name": "ond"'))
    count, (found,) = verify(shelf.cache, shelf.runs)
    assert (count, found.item.key, found.faults) == (2, key, (words,))


def test_a_repair_removes_what_is_damaged_and_only_that(shelf: Shelf) -> None:
    broken, sound = shelf.artifact("broken"), shelf.artifact("sound")
    shelf.damage(broken)
    (done,) = remove_damaged(shelf.cache, verify(shelf.cache, shelf.runs)[1], print)
    assert done.is_removed
    assert shelf.left() == {sound}


def test_what_was_made_again_since_it_was_read_is_not_removed(shelf: Shelf) -> None:
    key = shelf.artifact("broken")
    shelf.damage(key)
    _, damages = verify(shelf.cache, shelf.runs)
    ArtifactStore(shelf.cache).remove("train", key)
    assert shelf.artifact("broken") == key
    remove_damaged(shelf.cache, damages, print)
    assert shelf.left() == {key}


def test_the_key_of_a_manifest_is_that_of_the_plan_after_a_way_through_json(shelf: Shelf) -> None:
    identity = {"stage": "train", "params": {"name": "x", "rate": 1e-3, "size": (96, 96)}}
    store, key = ArtifactStore(shelf.cache), content_key(identity)
    store.commit(
        store.draft("train", key), "train", key, identity=identity, summary={}, seconds=1.0
    )
    assert store.faults("train", key) == []
