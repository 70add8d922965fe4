"""The content of the files that a spec names, as hashes: what a stage's key is made of."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.errors import EnvironmentUnusableError
from runner.spec.model import Data, Model, Spec

_PIECE = 1 << 20


def hash_contents(spec: Spec) -> dict[str, str]:
    """Path of each file and folder that the spec names -> SHA-256 of all that is in it.

    Raises:
        EnvironmentUnusableError: one of them can't be read.
    """
    models = {id(variant.model): variant.model for variant in spec.variants}
    data = {id(variant.data): variant.data for variant in spec.variants if variant.data}
    steps = {id(variant.compress): variant.compress for variant in spec.variants}
    hashes: dict[str, str] = {}
    for path in (path for model in models.values() for path in _of_model(model)):
        hashes.setdefault(path, _hash(Path(path)))
    for one in data.values():
        for path, files in _of_data(one):
            hashes.setdefault(path, _hash(Path(path), files))
    for step in (step for some in steps.values() for step in some):
        for path in _texts(step.options.get("teacher", {})):
            if Path(path).is_absolute():
                hashes.setdefault(path, _hash(Path(path)))
    return hashes


def _of_model(model: Model) -> Iterator[str]:
    if model.file is not None:
        yield model.file
    elif model.base is not None and Path(model.base.weights).is_absolute():
        yield model.base.weights


def _of_data(data: Data) -> Iterator[tuple[str, list[Path]]]:
    """Each path of a data set, with the files that count beside it: images that a table names."""
    for name, value in data.source.options.items():
        if not isinstance(value, str) or not Path(value).is_absolute():
            continue
        is_table = data.source.kind == "csv" and name == "path"
        if data.source.kind == "tfds" or name == "root":
            continue
        yield value, list(_images_of_table(data.source.options)) if is_table else []


def _images_of_table(options: Mapping[str, Any]) -> Iterator[Path]:
    table = Path(options["path"])
    root = Path(options.get("root", table.parent))
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name = row.get(options["image"])
            if name:
                yield root / name


def _hash(path: Path, beside: list[Path] | None = None) -> str:
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for file in _files(path):
                digest.update(f"{file.relative_to(path)}\0".encode("utf-8", "surrogateescape"))
                digest.update(_hash_file(file))
        else:
            digest.update(_hash_file(path))
        for file in beside or ():
            # A missing image is the stage's to report; the key only has to tell that it is missing.
            digest.update(_hash_file(file) if file.is_file() else b"missing")
    except OSError as error:
        raise EnvironmentUnusableError(
            "a file that the spec names can't be read",
            where=str(error.filename or path),
            why=str(error.strerror),
            remedy="check that it is there and may be read",
        ) from error
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, in one order everywhere."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(above, name)


def _hash_file(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.digest()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
