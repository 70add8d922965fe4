"""The content of a file or folder as a hash: dates and places do not count, names inside do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.errors import EnvironmentUnusableError

_PIECE = 1 << 20


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
