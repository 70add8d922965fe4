"""Writes the starter spec that `retime init` is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runner.errors import ArgumentError
from runner.spec.architectures import ARCHITECTURES
from runner.spec.guess import did_you_mean, listed
from runner.spec.schema import schema_path
from runner.spec.starter import starter, starter_of_files

_USUAL = "MobileNetV2"


def write_starter(
    file: Path, architecture: str | None, models: Sequence[str] | None, *, force: bool
) -> str:
    """Writes the spec, and says what to do with it.

    Args:
        architecture: the base; None for the usual one.
        models: finished networks to time instead.
        force: whether a file that is there is written over.

    Raises:
        ArgumentError: the file is there, or the architecture or a model is not.
        OSError: it can't be written.
    """
    if file.exists() and not force:
        raise ArgumentError(
            "the file is there already",
            where=str(file),
            remedy="name another one, or write over it with --force",
        )
    schema = _near(schema_path(), file)
    if models:
        text = starter_of_files(str(file), schema, [_found(Path(model), file) for model in models])
    else:
        text = starter(str(file), schema, _known(architecture or _USUAL))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return f"Wrote {file}. Next: retime plan {file}, then retime bench {file}.\n"


def _known(architecture: str) -> str:
    if architecture in ARCHITECTURES:
        return architecture
    raise ArgumentError(
        f"there is no architecture {architecture}{did_you_mean(architecture, ARCHITECTURES)}",
        remedy=f"use one of {listed(ARCHITECTURES)}",
    )


def _found(model: Path, file: Path) -> str:
    if model.suffix in {".yaml", ".yml"}:
        raise ArgumentError(
            "a spec is no model",
            where=str(model),
            remedy=f"name the file to write first: retime init {model} --from MODEL ...",
        )
    if not model.exists():
        raise ArgumentError("there is no such file", where=str(model), remedy="check the path")
    return _near(model, file)


def _near(path: Path, file: Path) -> str:
    """A path as the spec writes it: from its own folder where it is below or beside that."""
    folder = file.absolute().parent
    near = os.path.relpath(path.absolute(), folder)
    return str(path.absolute()) if near.startswith(f"..{os.sep}..") else near
