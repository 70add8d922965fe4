"""A comparison of model files without a spec: the spec that says the same, made from arguments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runner.errors import ArgumentError
from runner.spec.expand import expand
from runner.spec.guess import did_you_mean
from runner.spec.load import parse
from runner.spec.model import Spec
from runner.spec.settings import apply_settings
from runner.spec.starter import comparison

COMMAND = "compare-models"


def read_comparison(models: Sequence[str], settings: Sequence[str]) -> Spec:
    """The spec that compares these files.

    Args:
        models: paths, read from the working folder; the first one is the baseline.
        settings: texts such as `measure.effect=1%`.

    Raises:
        ArgumentError: there are fewer than two, or one is not there or named twice.
        SpecError: a file is of another kind, or a setting is wrong.
    """
    if len(models) < 2:
        raise ArgumentError(
            "there is nothing to compare it with",
            where=COMMAND,
            remedy=f"name two files or more: retime {COMMAND} base.tflite retrained.tflite",
        )
    for index, model in enumerate(models):
        _check(Path(model))
        if os.path.realpath(model) in map(os.path.realpath, models[:index]):
            raise ArgumentError(
                "it is named twice",
                where=model,
                remedy="name each file once; a copy is another file",
            )
    text = comparison(models)
    document = parse(text.encode("utf-8", "surrogateescape"), file=COMMAND, folder=Path.cwd())
    return expand(apply_settings(document, settings) if settings else document)


def _check(path: Path) -> None:
    if path.exists():
        return
    there = sorted(one.name for one in path.parent.iterdir()) if path.parent.is_dir() else []
    raise ArgumentError(
        f"there is no such file{did_you_mean(path.name, there)}",
        where=str(path),
        remedy="check the path",
    )
