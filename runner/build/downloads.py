"""What Keras downloads by itself, kept from disturbing others and from waiting for ever."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_PATIENCE_S = 60.0


def keras_folder() -> Path:
    """Where Keras keeps what it downloads."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other workers out: Keras downloads in place, where they would read half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".retime.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def patient_network() -> Iterator[None]:
    """A connection that says nothing is given up, where Keras would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
