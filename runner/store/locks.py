"""Who may work where: one process a run folder, one timing experiment a machine.

Both locks die with their process, so there are no stale ones to recover.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# An abstract address: no file, one per machine (per network namespace, to be exact).
_TIMING_ADDRESS = "\0retime.timing"


@contextmanager
def folder_lock(folder: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds a folder; waits, after saying for whom, while another process does.

    On NFS the lock works where the server supports POSIX locks.

    Args:
        on_wait: called once with the owner in words, if there is one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            on_wait(f"process {owner}" if owner else "another process")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def timing_lock(on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds this machine for timing; sleeps, after saying for whom, while another process does.

    Whoever waits connects to the owner and sleeps in a read, which ends when the owner does: two
    experiments never overlap, and the one that waits does not disturb the one that runs.

    Args:
        on_wait: called once with the owner in words, if there is one.
    """
    told = False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        while True:
            try:
                server.bind(_TIMING_ADDRESS)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                told = _sleep_until_free(on_wait, told=told)
        server.listen(64)
        yield


def _sleep_until_free(on_wait: Callable[[str], None], *, told: bool) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(_TIMING_ADDRESS)
            if not told:
                on_wait(f"process {_owner(client)}")
            client.recv(1)
        except (ConnectionError, BlockingIOError):
            # It ended between the two calls, or has not begun to listen: ask again.
            time.sleep(0.05)
            return told
    return True


def _owner(client: socket.socket) -> int:
    size = struct.calcsize("3i")
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[0])
