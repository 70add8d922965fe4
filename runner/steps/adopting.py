"""Takes finished .tflite files over, and notices files that change under way."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import RetimeError, StageError
from runner.plan.records import Content, Stage
from runner.steps.hashing import hash_path


def adopt(stage: Stage, files: Mapping[str, Content], draft: Path) -> dict[str, Any]:
    """Copies the stage's file, so that what is timed can't change under way.

    Args:
        files: path -> its content, as it was when the plan was made.

    Raises:
        StageError: it can't be read, or was changed since.
    """
    file, copy = stage.params["file"], draft / "model.tflite"
    try:
        shutil.copyfile(file, copy)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StageError(
            "the model file can't be read",
            stage="adopt",
            kind="bad_input",
            why=str(error.strerror),
            where=file,
            remedy="check that it is there and may be read",
        ) from error
    if hash_path(copy) != files[file].sha256:
        raise changed(stage, file)
    return {}


def gone(stage: Stage, error: RetimeError) -> StageError:
    """The error of a stage that read a file which can't be read any more."""
    return StageError(
        "a file is gone, or can't be read any more, that was there when work on the spec began",
        stage=stage.kind,
        kind="changed",
        why=error.why,
        where=error.where,
        remedy="put it back and run the same command again",
    )


def changed(stage: Stage, path: str) -> StageError:
    """The error of a stage that read a file which is another one now."""
    return StageError(
        "a file was changed while the spec was at work",
        stage=stage.kind,
        kind="changed",
        why="what was made of it does not belong to the file that the plan was made for",
        where=path,
        remedy="run the same command again, which takes the file as it is now",
    )
