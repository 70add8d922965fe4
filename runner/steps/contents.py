"""The content of the files that a spec names, as hashes: what a stage's key is made of.

A stage is checked against them again when it is done, since a training may well write the file that
a waiting bench has already read the hash of.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.errors import ArgumentError, EnvironmentUnusableError
from runner.spec.model import Spec

_PIECE = 1 << 20
# Paths in a source of images that are not read as they are: where names in a table start from, and
# where a package keeps what it downloads.
_NOT_READ = {("csv", "root"), ("tfds", "folder")}


def hash_contents(spec: Spec) -> dict[str, str]:
    """Path of each file and folder that the spec names -> SHA-256 of all that is in it.

    Raises:
        ArgumentError: a table of images can't be read.
        EnvironmentUnusableError: a file can't be read.
    """
    parts: dict[int, Any] = {}
    for variant in spec.variants:
        for part in (variant.data, variant.model, variant.runtime.delegate, *variant.compress):
            if part is not None:
                parts.setdefault(id(part), part)
    beside: dict[str, list[Path]] = {}
    for part in parts.values():
        for path, files in _named(asdict(part)):
            beside.setdefault(path, []).extend(files)
    return {path: hash_path(Path(path), files) for path, files in beside.items()}


def changed_contents(params: Mapping[str, Any], known: Mapping[str, str]) -> list[str]:
    """The files and folders among a stage's parameters that are not what they were.

    Args:
        known: path -> SHA-256, as `hash_contents` gives it.
    """
    return [
        path
        for path, files in _named(params)
        if path in known and hash_path(Path(path), files) != known[path]
    ]


def hash_path(path: Path, beside: list[Path] | None = None) -> str:
    """SHA-256 of a file's bytes, or of all that is in a folder; with further files, of them all.

    Raises:
        EnvironmentUnusableError: it can't be read.
    """
    try:
        if path.is_file() and not beside:
            return _hash_file(path)
        digest = hashlib.sha256()
        for file in _files(path) if path.is_dir() else [path]:
            name = os.fsencode(file.relative_to(path) if file != path else file.name)
            digest.update(name + b"\0" + _hash_file(file).encode())
        for file in beside or ():
            # A missing image is the stage's to report; here it only has to tell from one that is.
            digest.update(_hash_file(file).encode() if file.is_file() else b"missing")
    except OSError as error:
        raise EnvironmentUnusableError(
            "a file that the spec names can't be read",
            where=str(error.filename or path),
            why=str(error.strerror),
            remedy="check that it is there and may be read",
        ) from error
    return digest.hexdigest()


def _named(value: Any) -> Iterator[tuple[str, list[Path]]]:
    """Each absolute path in a record as JSON, with the files that count beside it."""
    if isinstance(value, Mapping):
        if value.keys() == {"kind", "options"}:
            yield from _of_source(value["kind"], value["options"])
        else:
            for inner in value.values():
                yield from _named(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _named(inner)
    elif isinstance(value, str) and Path(value).is_absolute():
        yield value, []


def _of_source(kind: str, options: Mapping[str, Any]) -> Iterator[tuple[str, list[Path]]]:
    for name, value in options.items():
        if (kind, name) in _NOT_READ:
            continue
        if kind == "csv" and name == "path":
            yield value, list(_images_of_table(options))
        else:
            yield from _named(value)


def _images_of_table(options: Mapping[str, Any]) -> Iterator[Path]:
    table = Path(options["path"])
    root = Path(options.get("root") or table.parent)
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if name := row.get(options["image"]):
                    yield root / name
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(
            "the table of images can't be read",
            where=str(table),
            why=str(error),
            remedy="save it as comma-separated values in UTF-8",
        ) from error


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """All regular files below a folder, in one order everywhere; links lead in no circle."""
    real = os.path.realpath(folder)
    if real in above:
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from _files(entry, above | {real})
        elif entry.is_file():
            yield entry


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
