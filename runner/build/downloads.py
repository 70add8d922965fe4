"""What Keras downloads by itself, kept from disturbing others and from waiting for ever."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_PATIENCE_S = 60.0
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}


def keras_folder() -> Path:
    """Where Keras keeps what it downloads."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other workers out: Keras downloads in place, where they would read half a file.

    A folder that can't be written to is read without a lock: nobody downloads into it.
    """
    lock = _open_lock(folder)
    if lock is None:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open_lock(folder: Path) -> int | None:
    """A descriptor of the folder's lock; None where there is none and none can be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / ".retime.lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
    try:
        # Another user's, who may write to it.
        return os.open(folder / ".retime.lock", os.O_RDONLY)
    except OSError:
        return None


@contextlib.contextmanager
def patient_network() -> Iterator[None]:
    """A connection that says nothing is given up, where Keras would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
