"""Sets of TensorFlow Datasets in a folder that a spec names, and which of them were downloaded.

A set that somebody prepared counts by its content, as any file that a spec names. One that a stage
downloaded must not: the folder was empty when the stage's key was made, and the next run would
build everything again. So a note beside the set says what was downloaded; as long as that is what
is there, the set counts as it did before, by its name and the version of the package.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.steps.hashing import hash_path


def prepared_set(source: Mapping[str, Any]) -> Path | None:
    """Where a source's set is kept; None for sources of other kinds, and where no folder is named.

    Args:
        source: a `runner.spec.recipe.Source` as JSON, or anything else.
    """
    if source.get("kind") != "tfds" or source["options"].get("folder") is None:
        return None
    name, _, version = source["options"]["dataset"].partition(":")
    return Path(source["options"]["folder"], name, version)


def counts_by_content(folder: Path) -> bool:
    """Whether a set is there that no stage downloaded, or that was changed since."""
    if not folder.is_dir():
        return False
    try:
        return _note(folder).read_text(encoding="ascii") != hash_path(folder)
    except (OSError, UnicodeDecodeError):
        return True


def note_download(folder: Path) -> None:
    """Notes what a stage downloaded; without it, the next run makes its images again."""
    if counts_by_content(folder):
        with contextlib.suppress(OSError):
            _note(folder).write_text(hash_path(folder), encoding="ascii")


def _note(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.downloaded")
