"""A checkpoint is whole or none: no damage to its file takes a training down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.checkpoints import Checkpoint, CheckpointFolder, held

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
    # A process of that number lives, in another container or in ours.
    (tmp_path / f"checkpoint.npz.{os.getppid()}").write_bytes(b"half")
    CheckpointFolder(tmp_path).save(SAVED)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.npz"}


HOLD = """
import sys
from pathlib import Path
from runner.build.checkpoints import held
with held(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_one_attempt_at_a_time_has_the_folder_and_a_killed_one_lets_go_of_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "train-abc"
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline().decode().strip() == str(folder)
        with held(folder) as ours:
            assert ours is None
        assert folder.exists()
        other.kill()
    with held(folder) as ours:
        assert ours == folder
        CheckpointFolder(ours).save(SAVED)
    assert [path.name for path in folder.iterdir()] == ["checkpoint.npz"]
    (folder / "checkpoint.npz").unlink()
    with held(folder), held(folder) as again:
        assert again is None
    # Nothing was kept in it.
    assert not folder.exists()


def test_who_finishes_first_may_take_the_folder_away_under_a_save(tmp_path: Path) -> None:
    folder = tmp_path / "train-abc"

    class Finishing:
        """Is committed by another container while it is written."""

        def __array__(self, *_: Any, **__: Any) -> Any:
            shutil.rmtree(folder)
            return np.ones(3)

    late: Any = Finishing()
    CheckpointFolder(folder).save(Checkpoint({"epoch": 1}, {"model": [late]}))
    assert not folder.exists()
    CheckpointFolder(folder).save(SAVED)
    assert CheckpointFolder(folder).load() is not None


def test_without_a_folder_nothing_is_held() -> None:
    with held(None) as ours:
        assert ours is None


def test_a_group_without_arrays_comes_back_as_one(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(Checkpoint({"epoch": 1}, {"model": [np.ones(3)], "frozen": []}))
    loaded = folder.load()
    assert loaded is not None
    assert loaded.groups["frozen"] == []
    assert (loaded.groups["model"][0] == 1).all()
