"""The content of the files that a spec names, as hashes: what a stage's key is made of.

A stage is checked against them again when it is done, since a training may well write the file that
a waiting bench has already read the hash of.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.errors import ArgumentError
from runner.plan.records import Content
from runner.spec.model import Spec
from runner.steps.downloaded import counts_by_content, note_download, prepared_set
from runner.steps.hashing import hash_path

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
    sets: dict[str, set[str]] = {}
    for record in map(asdict, parts.values()):
        for path, named in _named(record):
            images.setdefault(path, set()).update(named)
        source = record.get("source", {})
        folder = prepared_set(source)
        if folder is not None and counts_by_content(folder):
            sets.setdefault(source["options"]["folder"], set()).add(str(folder))
    return {
        **{path: _content(path, sorted(named)) for path, named in images.items()},
        **{path: _content_of_sets(sorted(folders)) for path, folders in sets.items()},
    }


def note_downloads(params: Mapping[str, Any], known: Mapping[str, Content]) -> None:
    """Notes that a finished stage downloaded its set, which was not there before.

    Args:
        params: of the stage.
        known: path -> its content, as `hash_contents` gave it before.
    """
    source = params.get("source", {})
    folder = prepared_set(source) if isinstance(source, Mapping) else None
    if folder is None:
        return
    before = known.get(source["options"]["folder"])
    if before is None or str(folder) not in before.sets:
        note_download(folder)


def _content(path: str, images: Iterable[str]) -> Content:
    beside = tuple(images)
    return Content(hash_path(Path(path), beside), beside)


def _content_of_sets(folders: Iterable[str]) -> Content:
    sets = tuple(folders)
    digest = hashlib.sha256("".join(hash_path(Path(one)) for one in sets).encode("ascii"))
    return Content(digest.hexdigest(), sets=sets)


def changed_contents(params: Mapping[str, Any], known: Mapping[str, Content]) -> list[str]:
    """The files and folders among a stage's parameters that are not what they were.

    Args:
        known: path -> its content, as `hash_contents` gives it.
    """
    # A table that names other images by now is another table: those of then are enough.
    changed = [
        path
        for path in _paths(params)
        if path in known and _content(path, known[path].images) != known[path]
    ]
    return changed + [
        path
        for path in _places(params)
        if path in known and _content_of_sets(known[path].sets) != known[path]
    ]


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


def _places(params: Mapping[str, Any]) -> Iterator[str]:
    """The folder in which a stage's source has its set."""
    source = params.get("source", {})
    if isinstance(source, Mapping) and prepared_set(source):
        yield source["options"]["folder"]


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
