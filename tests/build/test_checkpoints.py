"""A checkpoint is whole or none: no damage to its file takes a training down."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from runner.build.checkpoints import Checkpoint, CheckpointFolder

pytestmark = pytest.mark.fast

SAVED = Checkpoint({"phase": 0, "epoch": 1}, {"model": [np.arange(3.0), np.ones((2, 2))]})


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return one.state == other.state and all(
        np.array_equal(mine, theirs)
        for name, group in other.groups.items()
        for mine, theirs in zip(one.groups[name], group, strict=True)
    )


def test_any_bit_may_be_flipped_and_what_is_loaded_is_what_was_saved_or_nothing(
    tmp_path: Path,
) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(SAVED)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    lost = 0
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        file.write_bytes(data)
        loaded = folder.load()
        lost += loaded is None
        assert loaded is None or same(loaded, SAVED), place
    assert lost > len(whole) / 4


def test_what_a_killed_training_left_of_a_save_is_removed_by_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.npz.4194305").write_bytes(b"half")
    (tmp_path / f"checkpoint.npz.{os.getppid()}").write_bytes(b"of a process that lives")
    CheckpointFolder(tmp_path).save(SAVED)
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint.npz",
        f"checkpoint.npz.{os.getppid()}",
    }


def test_a_group_without_arrays_comes_back_as_one(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(Checkpoint({"epoch": 1}, {"model": [np.ones(3)], "frozen": []}))
    loaded = folder.load()
    assert loaded is not None
    assert loaded.groups["frozen"] == []
    assert (loaded.groups["model"][0] == 1).all()
