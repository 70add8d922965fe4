"""Whose temporary files are whose: they carry a token, and its owner holds a lock while it lives.

A process number would not do: another process may have it by now, or may have the same one in
another container that shares the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = ".owner"


class Claim:
    """A token in a folder of temporary files; whatever is named `*.TOKEN` is its owner's.

    Where a file system has no locks, nothing there is taken for abandoned.

    Attributes:
        token: what the names of the owner's files end with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.token, self._descriptor = _take(folder)

    def name(self, stem: str) -> Path:
        """A path that is the owner's."""
        return self._folder / f"{stem}.{self.token}"

    def release(self) -> None:
        """Removes whatever is the owner's, and the claim."""
        _remove_all(self._folder, self.token)
        os.close(self._descriptor)


def abandoned(folder: Path) -> Iterator[Path]:
    """The files of owners that are gone; looks, and removes nothing."""
    ownerless, owned = _tokens(folder)
    ended = [token for token in owned if not _is_held(folder / f"{token}{_SUFFIX}")]
    for token in sorted((*ownerless, *ended)):
        yield from sorted(folder.glob(f"*.{token}"))


def remove_abandoned(folder: Path) -> None:
    """Removes the files of owners that are gone."""
    ownerless, owned = _tokens(folder)
    for token in ownerless:
        _remove_all(folder, token)
    for token in owned:
        with _held_if_free(folder / f"{token}{_SUFFIX}") as is_free:
            if is_free:
                _remove_all(folder, token)


def _tokens(folder: Path) -> tuple[set[str], set[str]]:
    """Tokens of files that nobody claims any more, and those that somebody does, or did.

    The owner of the first was removing what it had, or was of an older version.
    """
    # In this order: whoever has a file has claimed its token before.
    tokens = {path.name.rpartition(".")[2] for path in folder.glob("*.*")}
    owned = {path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}")}
    return tokens - owned - {_SUFFIX.removeprefix(".")}, owned


def _take(folder: Path) -> tuple[str, int]:
    """A new token, and the descriptor that holds its lock."""
    while True:
        token = secrets.token_hex(6)
        path = folder / f"{token}{_SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return token, descriptor
        # It was taken for abandoned in the moment before it was locked.
        os.close(descriptor)


def _is_held(path: Path) -> bool:
    """Whether somebody holds the lock, or nobody can tell."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


@contextlib.contextmanager
def _held_if_free(path: Path) -> Iterator[bool]:
    """Whether nobody holds the lock; if so, it is held meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _remove_all(folder: Path, token: str) -> None:
    """The claim itself goes last: as long as something is left, its owner is known."""
    for path in folder.glob(f"*.{token}"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    (folder / f"{token}{_SUFFIX}").unlink(missing_ok=True)
