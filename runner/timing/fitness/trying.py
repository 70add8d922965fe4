"""Tries what a kernel may refuse, in a process of its own, whose priority and memory it changes."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import struct
import sys
from collections.abc import Callable

_MCL_CURRENT = 1
_HARDWARE, _SOFTWARE = 0, 1
# Cycles as hardware event, task clock as software event.
_CONFIG = {_HARDWARE: 0, _SOFTWARE: 1}
_ATTRIBUTE_BYTES = 112
_FLAGS_OFFSET = 40
# Of perf_event_attr: begin disabled, leave the kernel and the hypervisor out.
_FLAGS = 1 << 0 | 1 << 5 | 1 << 6
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241, "armv7l": 364, "armv6l": 364, "riscv64": 241}
_LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Prints a JSON mapping of what was tried to `ok`, or to the name of the error."""
    tried: dict[str, Callable[[], object]] = {
        "affinity": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
        "hardware_counters": lambda: _open_counter(_HARDWARE),
        "software_counters": lambda: _open_counter(_SOFTWARE),
        "memory_lock": _lock_memory,
        "realtime": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    }
    sys.stdout.write(json.dumps({name: _outcome(attempt) for name, attempt in tried.items()}))
    return 0


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown")
    return "ok"


def _open_counter(kind: int) -> None:
    number = _PERF_EVENT_OPEN.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, "no number of this call is known for this machine")
    attribute = ctypes.create_string_buffer(_ATTRIBUTE_BYTES)
    struct.pack_into("=IIQ", attribute, 0, kind, _ATTRIBUTE_BYTES, _CONFIG[kind])
    struct.pack_into("=Q", attribute, _FLAGS_OFFSET, _FLAGS)
    this_process, any_cpu, no_group = 0, -1, -1
    os.close(_checked(_LIBC.syscall(number, attribute, this_process, any_cpu, no_group, 0)))


def _lock_memory() -> None:
    _checked(_LIBC.mlockall(_MCL_CURRENT))


def _checked(status: int) -> int:
    if status < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return status


if __name__ == "__main__":
    sys.exit(main())
