"""How far a training is, on the disk: whole or absent, never half."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHECKPOINT = "checkpoint.npz"
_STATE = "state"

Arrays = Sequence[NDArray[Any]]


@contextlib.contextmanager
def held(folder: Path | None) -> Iterator[Path | None]:
    """The folder for one attempt alone; None where another attempt is at it, or nobody can tell.

    Containers that share a cache may train the same at once, and each would take the other's
    checkpoints for its own. A process number tells them not apart, a lock does: it is gone when its
    process is.

    Args:
        folder: need not exist; an empty one is removed in the end.
    """
    descriptor = _lock(folder) if folder else None
    if folder is None or descriptor is None:
        yield None
        return
    try:
        yield folder
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()
        os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """The descriptor that holds a folder's lock; None where it can't be had."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except OSError as error:
            os.close(descriptor)
            print(f"nothing is kept on the way: {folder} is not ours ({error})")  # noqa: T201 - to the log
            return None
        # Its last owner removed it in the moment before it was locked.
        os.close(descriptor)


@dataclass(frozen=True)
class Checkpoint:
    """A training at some moment.

    Attributes:
        state: what fits JSON: phase, epoch, history, early stopping.
        groups: lists of arrays by name: the variables of model and optimizer, the best weights.
    """

    state: Mapping[str, Any]
    groups: Mapping[str, Arrays]


class CheckpointFolder:
    """One checkpoint in a folder that outlives a failed attempt, for whoever has it alone.

    Args:
        folder: need not exist; None keeps nothing.
        name: of its file.
    """

    def __init__(self, folder: Path | None, name: str = CHECKPOINT) -> None:
        self._folder = folder
        self._name = name

    def save(self, checkpoint: Checkpoint) -> None:
        """Replaces the last one, at once."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        counts = {name: len(group) for name, group in checkpoint.groups.items()}
        text = json.dumps({"state": checkpoint.state, "counts": counts}).encode()
        arrays: dict[str, Any] = {_STATE: np.frombuffer(text, np.uint8)}
        arrays |= {
            f"{name}.{index}": array
            for name, group in checkpoint.groups.items()
            for index, array in enumerate(group)
        }
        self._remove_drafts()
        # Whoever finishes the same stage first removes the folder, and no note is needed any more.
        with contextlib.suppress(FileNotFoundError):
            self._write(self._folder, arrays)

    def _write(self, folder: Path, arrays: Mapping[str, Any]) -> None:
        draft = folder / f"{self._name}.{secrets.token_hex(6)}"
        with draft.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / self._name)
        _sync(folder)

    def load(self) -> Checkpoint | None:
        """The last one; None where there is none, or it is damaged: then it is removed."""
        if self._folder is None or not (self._folder / self._name).exists():
            return None
        try:
            # Every member of the archive has a checksum, which reading verifies; what a flipped
            # bit elsewhere leads to is any error that the reader can raise.
            with (
                (self._folder / self._name).open("rb") as file,
                np.load(file, allow_pickle=False) as archive,
            ):
                saved = json.loads(archive[_STATE].tobytes())
                # A group may be empty, and has no member then.
                groups: dict[str, dict[int, NDArray[Any]]] = {name: {} for name in saved["counts"]}
                for key in archive.files:
                    name, _, index = key.partition(".")
                    if index:
                        groups.setdefault(name, {})[int(index)] = archive[key]
            # The archive's own list of members has no checksum.
            if {name: len(group) for name, group in groups.items()} != saved["counts"]:
                raise ValueError("members are missing")  # noqa: TRY301 - as any other damage
            state = saved["state"]
        except Exception as error:
            print(f"{self._name} is damaged and left out: {error}")  # noqa: T201 - to the log
            self.remove()
            return None
        return Checkpoint(
            state, {name: [group[i] for i in sorted(group)] for name, group in groups.items()}
        )

    def remove(self) -> None:
        """Removes what is there."""
        if self._folder is not None:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / self._name).unlink()

    def _remove_drafts(self) -> None:
        """Those of attempts that died over them: there is one attempt at a time."""
        for draft in self._folder.glob(f"{self._name}.*") if self._folder else ():
            draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
