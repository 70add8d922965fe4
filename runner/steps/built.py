"""What comes of building a variant."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.analysis.graph import count_multiply_adds
from runner.store.artifacts import Artifact


@dataclass(frozen=True)
class Built:
    """What came of one variant, as `result.json` holds it.

    Attributes:
        error: why it is not there; None when it is.
        stages: kind of each stage -> what became of it, in the journal's words.
        facts: what the runtime said of the model.
        data: what the images came to; None where there are none.
        model_path: the .tflite file; None on failure.
        input_path: the first test images as the model takes them; None where none scored it.
    """

    error: Mapping[str, Any] | None
    stages: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, Any] | None = None
    accuracy: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    model_path: Path | None = None
    input_path: Path | None = None


def data_record(made: Artifact) -> dict[str, Any]:
    """What a report says of a set of images."""
    summary = made.summary
    return {
        "classes": summary["classes"],
        "train_images": summary["train_images"],
        "test_images": summary["test_images"],
        "left_out": summary["corrupt"],
        "left_out_names": list(summary["corrupt_names"]),
        "empty_classes": list(summary["empty_classes"]),
        "class_counts": summary["class_counts"],
    }


def model_record(
    source: Artifact | None, made: Artifact, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What a report says of a .tflite file.

    Args:
        source: what it was made of; None for a finished one, whose parameters nobody counted.
        facts: what the runtime said of it, if it got that far.
    """
    path, file = made.file("model.tflite").resolve(), made.files["model.tflite"]
    counts = source.summary if source else {}
    return {
        "path": str(path),
        "bytes": file.bytes,
        "sha256": file.sha256,
        "parameters": counts.get("parameters"),
        "trainable_parameters": counts.get("trainable_parameters"),
        "multiply_adds": _count_multiply_adds(path),
        "operations": made.summary.get("operations", facts.get("nodes")),
    }


def _count_multiply_adds(path: Path) -> int | None:
    """Reads the graph alone: weights, which may be gigabytes, stay on the disk."""
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            # An empty file has nothing to map.
            return None
        with content:
            return count_multiply_adds(content)
