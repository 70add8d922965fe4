"""How far a training is, on the disk: whole or absent, never half."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NAME = "checkpoint.npz"
_STATE = "state"

Arrays = Sequence[NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """A training after an epoch.

    Attributes:
        state: what fits JSON: phase, epoch, history, early stopping.
        groups: lists of arrays by name: the variables of model and optimizer, the best weights.
    """

    state: Mapping[str, Any]
    groups: Mapping[str, Arrays]


class CheckpointFolder:
    """One checkpoint in a folder that outlives a failed attempt.

    Args:
        folder: need not exist; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Replaces the last one, at once."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(checkpoint.state).encode()
        arrays: dict[str, Any] = {_STATE: np.frombuffer(text, np.uint8)}
        arrays |= {
            f"{name}.{index}": array
            for name, group in checkpoint.groups.items()
            for index, array in enumerate(group)
        }
        draft = self._folder / f"{_NAME}.{os.getpid()}"
        with draft.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / _NAME)

    def load(self) -> Checkpoint | None:
        """The last one; None where there is none, or it is damaged: then it is removed."""
        if self._folder is None or not (self._folder / _NAME).exists():
            return None
        groups: dict[str, dict[int, NDArray[Any]]] = {}
        try:
            # Every member of the archive has a checksum, which reading verifies.
            with np.load(self._folder / _NAME, allow_pickle=False) as archive:
                state = json.loads(archive[_STATE].tobytes())
                for key in archive.files:
                    name, _, index = key.partition(".")
                    if index:
                        groups.setdefault(name, {})[int(index)] = archive[key]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            print(f"the checkpoint is damaged and left out: {error}")  # noqa: T201 - to the log
            self.remove()
            return None
        return Checkpoint(
            state, {name: [group[i] for i in sorted(group)] for name, group in groups.items()}
        )

    def remove(self) -> None:
        """Removes what is there."""
        if self._folder is not None:
            with contextlib.suppress(FileNotFoundError):
                (self._folder / _NAME).unlink()
