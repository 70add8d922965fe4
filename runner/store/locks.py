"""Who may work where: one process a run folder, one timing experiment a machine.

Both locks die with their process, so there are no stale ones to recover.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from runner.errors import OutOfTimeError
from runner.units import format_duration

# An abstract address: no file, one per machine (per network namespace, to be exact).
_TIMING_ADDRESS = "\0retime.timing"
_NAMED_WITHIN_S = 0.5
# What a file system without working locks answers.
LOCKLESS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})
# The devices that this process has said it of.
_said_lockless: set[int] = set()


@contextmanager
def folder_lock(
    folder: Path,
    on_wait: Callable[[str], None],
    patience_s: float | None = None,
    *,
    on_lockless: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Holds a folder; waits, after saying for whom, while another process does.

    On NFS the lock works where the server supports POSIX locks.

    Args:
        on_wait: called once with the owner and its age in words, if there is one.
        patience_s: seconds of waiting; None for as long as it takes.
        on_lockless: told in a sentence that the file system has no locks, once for each of them;
            then work goes on without. None where it must not.

    Raises:
        OSError: the folder can't be written to, or not be locked.
        OutOfTimeError: patience was at its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner_of_folder(file)
            on_wait(owner)
            _lock_within(file, owner, patience_s)
        except OSError as error:
            if on_lockless is None or error.errno not in LOCKLESS:
                raise
            _say_lockless(folder, error, on_lockless)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()} {socket.gethostname()}")
        file.flush()
        yield


def _say_lockless(folder: Path, error: OSError, say: Callable[[str], None]) -> None:
    disk = folder.stat().st_dev
    if disk not in _said_lockless:
        _said_lockless.add(disk)
        say(
            f"{folder} can't be locked ({error.strerror}): nothing keeps another process from "
            "working there at the same time, so don't start two."
        )


def _lock_within(file: TextIO, owner: str, patience_s: float | None) -> None:
    if patience_s is None:
        fcntl.flock(file, fcntl.LOCK_EX)
        return
    ends = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left_s = ends - time.monotonic()
            if left_s <= 0:
                raise _out_of_time(owner) from None
            # Seldom enough not to disturb what the owner may be timing.
            time.sleep(min(1.0, left_s))
        else:
            return


def _out_of_time(owner: str) -> OutOfTimeError:
    return OutOfTimeError(
        "the time allowed in all was used up",
        why=f"it was spent waiting for {owner}",
        remedy="the same command goes on where it stopped",
    )


@contextmanager
def timing_lock(on_wait: Callable[[str], None], patience_s: float | None = None) -> Iterator[None]:
    """Holds this machine for timing; sleeps, after saying for whom, while another process does.

    Whoever waits connects to the owner and sleeps in a read, which ends when the owner does: two
    experiments never overlap, and the one that waits does not disturb the one that runs.

    Args:
        on_wait: called once with the owner in words, if there is one.
        patience_s: as for `folder_lock`.

    Raises:
        OutOfTimeError: patience was at its end.
    """
    told, ends = False, time.monotonic() + (math.inf if patience_s is None else patience_s)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        while True:
            try:
                server.bind(_TIMING_ADDRESS)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                told = _sleep_until_free(on_wait, ends, told=told)
        server.listen(64)
        yield


def _sleep_until_free(on_wait: Callable[[str], None], ends: float, *, told: bool) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(_TIMING_ADDRESS)
            owner = _in_words(_owner(client))
            if not told:
                on_wait(owner)
            left_s = max(0.0, ends - time.monotonic())
            # 0 would mean not to wait at all, in other words.
            client.settimeout(max(0.001, left_s) if math.isfinite(left_s) else None)
            client.recv(1)
        except TimeoutError:
            raise _out_of_time(owner) from None
        except (ConnectionError, BlockingIOError):
            # It ended between the two calls, or has not begun to listen: ask again.
            time.sleep(0.05)
            return told
    return True


def _owner(client: socket.socket) -> int:
    size = struct.calcsize("3i")
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[0])


def _owner_of_folder(file: TextIO) -> str:
    """The owner that a lock's file names, in words.

    It writes its name just after it has locked; until then the file names one before it, or none.
    """
    ends = time.monotonic() + _NAMED_WITHIN_S
    while True:
        file.seek(0)
        number, _, host = file.read().strip().partition(" ")
        is_elsewhere = host not in ("", socket.gethostname())
        if number.isdigit() and (is_elsewhere or Path("/proc", number).exists()):
            return _written_owner(int(number), host)
        if time.monotonic() > ends:
            return "another process"
        time.sleep(0.01)


def _written_owner(number: int, host: str) -> str:
    if host not in ("", socket.gethostname()):
        return f"process {number} on {host}"
    return _in_words(number)


def _in_words(process: int) -> str:
    """A process of this machine with its age, which no change of the date can make wrong."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        began_s = int(fields.split()[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return f"process {process}"
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - began_s
    return f"process {process} (began {format_duration(max(0.0, age_s))} ago)"
