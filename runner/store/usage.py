"""Who is at work with which artifacts, so that nobody clears them away under him.

Whoever works declares what he may read in a file that he holds locked: the lock dies with him, and
a file that nobody holds counts for nothing. Declaring and clearing up take turns by the lock of the
cache's folder, so whoever has declared finds what he looks for or an empty place, and never loses
it again. On NFS both work where the server supports locks.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runner.store.locks import LOCKLESS, folder_lock

_FOLDER = "in-use"
# A cache that can't be written to, or locked, is one that this process can't declare anything in.
_CANNOT = {errno.EROFS, errno.EACCES, errno.EPERM, *LOCKLESS}


@contextmanager
def artifacts_in_use(
    root: Path,
    keys: Iterable[str],
    on_wait: Callable[[str], None],
    patience_s: float | None = None,
) -> Iterator[None]:
    """Keeps artifacts, also those that are not made yet, from being cleared away.

    Args:
        root: the cache's folder.
        on_wait: called once with the owner in words, if somebody is clearing up right now.
        patience_s: as for `folder_lock`.

    Raises:
        OSError: the disk is full.
        OutOfTimeError: patience was at its end.
    """
    path = root / _FOLDER / f"{os.getpid()}-{secrets.token_hex(4)}"
    held = None
    try:
        held = _declare(root, path, keys, on_wait, patience_s)
        yield
    finally:
        if held is not None:
            path.unlink(missing_ok=True)
            os.close(held)


def _declare(
    root: Path,
    path: Path,
    keys: Iterable[str],
    on_wait: Callable[[str], None],
    patience_s: float | None,
) -> int | None:
    """The descriptor that holds the declaration; None where none can be made."""
    text = json.dumps({"process": os.getpid(), "keys": sorted(keys)})
    try:
        with folder_lock(root, on_wait, patience_s):
            path.parent.mkdir(exist_ok=True)
            _sweep(root)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                path.write_text(text, encoding="utf-8")
            except BaseException:
                path.unlink(missing_ok=True)
                os.close(descriptor)
                raise
            return descriptor
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        return None


def keys_in_use(root: Path) -> dict[str, str]:
    """Key -> the process that declared it and is still there, in words."""
    found: dict[str, str] = {}
    for declaration in _living(root):
        owner = f"process {declaration['process']}"
        found |= dict.fromkeys(declaration["keys"], owner)
    return found


@contextmanager
def clearing_up(root: Path, on_wait: Callable[[str], None]) -> Iterator[Mapping[str, str]]:
    """Keeps others from beginning to use artifacts; yields what is in use, as `keys_in_use` does.

    Raises:
        OSError: the folder can't be written to, or locked.
    """
    with folder_lock(root, on_wait):
        _sweep(root)
        yield keys_in_use(root)


def forget_the_dead(
    root: Path, on_wait: Callable[[str], None], patience_s: float | None = None
) -> None:
    """Removes what processes declared that were killed; a cache that may only be read stays.

    Args:
        on_wait: as for `artifacts_in_use`, and `patience_s` too.

    Raises:
        OutOfTimeError: patience was at its end.
    """
    if all(map(_is_held, (root / _FOLDER).glob("*"))):
        return
    with suppress(OSError), folder_lock(root, on_wait, patience_s):
        _sweep(root)


def _sweep(root: Path) -> None:
    """Removes what processes declared that are gone; for whoever holds the folder."""
    for path in (root / _FOLDER).glob("*"):
        if not _is_held(path):
            path.unlink(missing_ok=True)


def _living(root: Path) -> Iterator[dict[str, Any]]:
    for path in (root / _FOLDER).glob("*"):
        if _is_held(path):
            with suppress(OSError, ValueError, KeyError):
                # Its owner may end between the two calls, or be about to write.
                yield json.loads(path.read_text(encoding="utf-8"))


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
