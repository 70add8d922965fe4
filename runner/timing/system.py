"""This process and this machine: what is asked of them, and what they count."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from runner.timing.native import Owner, call, compiled, text
from runner.timing.records import Counts, InForce, Reading, Wishes, known

_FLUSH_TO_ZERO: Final = {"default": 0, "on": 1, "off": -1}
_EMULATOR_BYTES: Final = 128


def apply_wishes(wishes: Wishes) -> InForce:
    """Asks the operating system for what is wished; a wish that isn't granted is no error.

    Call it before a session is opened: threads that exist already keep what they have.

    Raises:
        ValueError: the priority is no number from -20 to 19 and not `realtime`, or flush-to-zero is
            none of its words.
    """
    ffi = compiled().ffi
    if wishes.flush_to_zero not in _FLUSH_TO_ZERO:
        raise ValueError(f"flush_to_zero {wishes.flush_to_zero!r} is not default, on or off")
    realtime = wishes.priority == "realtime"
    nice = 0 if realtime or not wishes.priority else int(wishes.priority)
    if not -20 <= nice <= 19:
        raise ValueError(f"the priority {nice} is not from -20 to 19")
    cores = ffi.new("int32_t[]", list(wishes.cores))
    asked = ffi.new(
        "retime_wishes *",
        {
            "cores": cores,
            "core_count": len(wishes.cores),
            "prioritize": bool(wishes.priority),
            "realtime": realtime,
            "nice": nice,
            "lock_memory": wishes.lock_memory,
            "flush_to_zero": _FLUSH_TO_ZERO[wishes.flush_to_zero],
        },
    )
    record = ffi.new("retime_conditions *")
    call(compiled().lib.retime_conditions_apply, asked, record)
    return InForce(**{one.name: _in_force(getattr(record, one.name)) for one in fields(InForce)})


def flushes_to_zero() -> bool | None:
    """Whether subnormal numbers count as zero in this thread; None where it can't be told."""
    state = compiled().lib.retime_flushes_to_zero()
    return None if state < 0 else bool(state)


def cache_flush_bytes() -> int:
    """How many bytes of other memory push everything out of the processor's caches."""
    return int(compiled().lib.retime_cache_flush_bytes())


def take_reading() -> Reading:
    """Reads what process and machine count; about a quarter of a millisecond."""
    record = compiled().ffi.new("retime_reading *")
    compiled().lib.retime_reading_take(record)
    return Reading(**{one.name: known(getattr(record, one.name)) for one in fields(Reading)})


def emulator() -> str:
    """The program that emulates this processor, such as `qemu-aarch64-static`; empty for none."""
    name = compiled().ffi.new("char[]", _EMULATOR_BYTES)
    compiled().lib.retime_emulator(name, _EMULATOR_BYTES)
    return text(name)


class Counters(Owner):
    """What processor and kernel count through perf_event, threads started later included.

    Attributes:
        reason: why some counter isn't granted, in the system's words; empty where all are.
    """

    def __init__(self) -> None:
        lib = compiled().lib
        holder = compiled().ffi.new("retime_counters **")
        call(lib.retime_counters_open, holder)
        super().__init__(compiled().ffi.gc(holder[0], lib.retime_counters_close))
        self.reason = text(lib.retime_counters_reason(self.opened()))

    def start(self) -> None:
        """Counts from 0."""
        compiled().lib.retime_counters_start(self.opened())

    def stop(self) -> Counts:
        """Stops counting and tells."""
        record = compiled().ffi.new("retime_counts *")
        compiled().lib.retime_counters_stop(self.opened(), record)
        return Counts(**{one.name: known(getattr(record, one.name)) for one in fields(Counts)})


def _in_force(condition: Any) -> str:
    if condition.state < 0:
        return f"no: {text(condition.reason)}"
    return "yes" if condition.state else ""
