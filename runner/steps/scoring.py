"""Compares what a model answers to the test images before and after its conversion."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from runner.analysis.accuracy import compare_scores
from runner.errors import StageError
from runner.plan.records import Stage
from runner.store.artifacts import Artifact


def compare_answers(
    reference: Artifact | None, draft: Path, data: Artifact, stage: Stage
) -> dict[str, Any]:
    """A `runner.analysis.accuracy.Accuracy` as JSON; the scores stay on the disk.

    Beside it `compression`: the accuracy `before`, and how many answers it `lost` and `gained`;
    None where nothing was compressed.

    Args:
        reference: the trained model with its `test_scores.npy`; None where there is none.
        draft: the folder that holds the converted model's `scores.npy`.
        data: the images' artifact.
        stage: the evaluation, which an error names.

    Raises:
        StageError: the converted model tells another number of classes apart than there are.
    """
    classes = json.loads(data.file("classes.json").read_text(encoding="utf-8"))
    scores = np.load(draft / "scores.npy", mmap_mode="r")
    if scores.shape[1] != len(classes):
        raise StageError(
            "the model doesn't answer with a score for each class of this data",
            stage=stage.kind,
            kind="bad_input",
            why=f"it gives {scores.shape[1]} scores, the data has {len(classes)} classes",
            where=", ".join(stage.variants),
            remedy="name the data that it was trained for; or leave data out: then it is timed, "
            "and not scored",
        )
    labels = np.load(data.file("test_labels.npy"))
    compared = asdict(compare_scores(_scores_of(reference), scores, labels, classes))
    return compared | {"compression": reference.summary.get("compression") if reference else None}


def _scores_of(reference: Artifact | None) -> Any:
    """What the Keras model answers to the test images; None where it was not scored."""
    if reference is None or not reference.file("test_scores.npy").exists():
        return None
    return np.load(reference.file("test_scores.npy"), mmap_mode="r")
