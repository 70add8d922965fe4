"""The content of the files that a spec names, as hashes: what a stage's key is made of.

A stage is checked against them again when it is done, since a training may well write the file that
a waiting bench has already read the hash of.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.errors import ArgumentError, EnvironmentUnusableError
from runner.plan.records import Content
from runner.spec.model import Spec

_PIECE = 1 << 20
# Paths in a source of images that are not read as they are: where names in a table start from, and
# where a package keeps what it downloads.
_NOT_READ = {("csv", "root"), ("tfds", "folder")}


def hash_contents(spec: Spec) -> dict[str, Content]:
    """Path of each file and folder that the spec names -> what is in it.

    A table that several records read, each with images of its own, counts with all of them.

    Raises:
        ArgumentError: a table of images can't be read.
        EnvironmentUnusableError: a file can't be read.
    """
    parts: dict[int, Any] = {}
    for variant in spec.variants:
        for part in (variant.data, variant.model, variant.runtime.delegate, *variant.compress):
            if part is not None:
                parts.setdefault(id(part), part)
    images: dict[str, set[str]] = {}
    for part in parts.values():
        for path, named in _named(asdict(part)):
            images.setdefault(path, set()).update(named)
    return {path: _content(path, sorted(named)) for path, named in images.items()}


def _content(path: str, images: Iterable[str]) -> Content:
    beside = tuple(images)
    return Content(hash_path(Path(path), beside), beside)


def changed_contents(params: Mapping[str, Any], known: Mapping[str, Content]) -> list[str]:
    """The files and folders among a stage's parameters that are not what they were.

    Args:
        known: path -> its content, as `hash_contents` gives it.
    """
    # A table that names other images by now is another table: those of then are enough.
    return [
        path
        for path in _paths(params)
        if path in known and _content(path, known[path].images) != known[path]
    ]


def hash_path(path: Path, beside: Iterable[str] = ()) -> str:
    """SHA-256 of a file's bytes, or of all that is in a folder; with further files, of them all.

    Raises:
        EnvironmentUnusableError: it can't be read.
    """
    try:
        if path.is_file() and not beside:
            return _hash_file(path)
        digest = hashlib.sha256()
        for file in _files(path) if path.is_dir() else [path]:
            place = os.fsencode(file.relative_to(path) if file != path else file.name)
            digest.update(place + b"\0" + _hash_file(file).encode())
        for name in beside:
            # A missing image is the stage's to report; here it only has to tell from one that is.
            image = Path(name)
            digest.update(_hash_file(image).encode() if image.is_file() else b"missing")
    except OSError as error:
        raise EnvironmentUnusableError(
            "a file that the spec names can't be read",
            where=str(error.filename or path),
            why=str(error.strerror),
            remedy="check that it is there and may be read",
        ) from error
    return digest.hexdigest()


def _named(record: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each absolute path in a record as JSON, with the images that count with it."""
    source = record.get("source", {})
    table = source["options"]["path"] if source.get("kind") == "csv" else None
    for path in _paths(record):
        yield path, list(_images_of_table(source["options"])) if path == table else []


def _paths(value: Any, kind: str = "") -> Iterator[str]:
    """Each absolute path in a value as JSON; `kind` is that of a source whose options it is."""
    if isinstance(value, Mapping):
        is_source = value.keys() == {"kind", "options"}
        for name, inner in value.items():
            if (kind, name) not in _NOT_READ:
                yield from _paths(inner, value["kind"] if is_source else "")
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _paths(inner)
    elif isinstance(value, str) and Path(value).is_absolute():
        yield value


def _images_of_table(options: Mapping[str, Any]) -> Iterator[str]:
    table = Path(options["path"])
    root = Path(options.get("root") or table.parent)
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if name := row.get(options["image"]):
                    yield str(root / name)
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
