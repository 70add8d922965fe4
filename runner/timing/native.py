"""The harness as Python sees it: return codes become exceptions, pointers become owned objects.

The only module that imports the compiled one, `_harness`; its neighbours `session` and `system`
reach it through `compiled` and `call`. It imports nothing heavy, because the processes that are
timed import it. A library or session belongs to one thread at a time.
"""

from __future__ import annotations

import mmap
import os
import time
from array import array
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakSet

from runner.errors import EnvironmentUnusableError, RetimeError
from runner.timing.records import DELEGATES, KINDS, Clock, RuntimeOptions

if TYPE_CHECKING:
    from typing_extensions import Self

    from runner.timing.session import Session

try:
    import runner.timing._harness as _module
except ImportError as error:
    # Specs are checked and planned without a compiler; only timing needs the harness.
    _module, _WHY_MISSING = None, str(error)
else:
    _WHY_MISSING = ""

Bytes: TypeAlias = "bytes | bytearray | memoryview | array[Any] | mmap.mmap"
Samples: TypeAlias = "array[int] | memoryview"

_CLOCKS: Final = {
    time.CLOCK_MONOTONIC_RAW: "CLOCK_MONOTONIC_RAW",
    time.CLOCK_MONOTONIC: "CLOCK_MONOTONIC",
}
_PAGE_BYTES: Final = 4096
_LINE_BYTES: Final = 64


class HarnessError(RetimeError):
    """The harness or the inference library refused or failed.

    Args:
        status: a negative `retime_status` of `native/include/retime_api.h`.
        step: the call that failed, such as `dlopen` or `AllocateTensors`.
        message: why, in the library's own words where it had any.
    """

    def __init__(self, *, status: int, step: str, message: str) -> None:
        super().__init__(f"{step} failed", why=message)
        self.status = status
        self.step = step


class HarnessMissingError(EnvironmentUnusableError):
    """The compiled part of Retime is not there, or this Python can't load it."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "the timing harness is not built",
            why=why,
            remedy="install a C compiler (Debian: apt install gcc libc6-dev; Fedora: dnf install "
            "gcc glibc-devel; Alpine: apk add gcc musl-dev), then run `make setup`",
        )


class Owner:
    """What holds a pointer until it is closed, by `close`, a `with` block or garbage collection."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer

    def close(self) -> None:
        """Closes it and lets go of what it borrows. Closing again does nothing."""
        if self._pointer is not None:
            compiled().ffi.release(self._pointer)
            self._pointer = None

    def opened(self) -> Any:
        """The pointer.

        Raises:
            ValueError: it is closed.
        """
        if self._pointer is None:
            raise ValueError(f"the {type(self).__name__.lower()} is closed")
        return self._pointer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Library(Owner):
    """An inference library that was opened; made by `Library.open`.

    Closing it, as leaving its `with` block does, closes the sessions that are still open.

    Attributes:
        path: as it was given to `open`.
        kind: `tflite` or `litert`, told by its functions.
        version: in the library's own words; LiteRT has none.
    """

    def __init__(self, pointer: Any, path: str) -> None:
        super().__init__(pointer)
        self._sessions: WeakSet[Session] = WeakSet()
        self.path = path
        self.kind = KINDS[compiled().lib.retime_library_kind(pointer)]
        self.version = text(compiled().lib.retime_library_version(pointer))

    @classmethod
    def open(cls, path: str) -> Library:
        """Opens a library with TFLite's C API or LiteRT's.

        Args:
            path: a file, or a bare name that the system's loader resolves.

        Raises:
            HarnessError: it is no library, or lacks a function that is needed.
            HarnessMissingError: the harness is not built.
        """
        ffi, lib = compiled().ffi, compiled().lib
        holder = ffi.new("retime_library **")
        call(lib.retime_library_open, os.fsencode(path), holder)
        return cls(ffi.gc(holder[0], lib.retime_library_close), path)

    def session(
        self,
        model: Bytes,
        *,
        delegate: str,
        threads: int,
        count_nodes: bool = False,
        profile: bool = False,
        options: RuntimeOptions | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> Session:
        """Makes a model ready to run, with its inputs zeroed.

        Args:
            model: the bytes of a .tflite file, best from `place`; borrowed while the session is
                open. Bytes that are made to do harm can crash the process.
            delegate: `none` for the library's built-in kernels, `xnnpack` or `external`.
            threads: from 1 to 1024.
            count_nodes: fill `Session.nodes`. It adds observers to the session, so not for timing.
            profile: allow `Session.profile`, whose profiler slows every inference.
            progress: called with the name of each step that can crash on a bad model, before it.

        Raises:
            HarnessError: the library refuses the model or the options.
            ValueError: there is no such delegate or call, or the library is closed.
        """
        from runner.timing.session import Session, open_session

        if delegate not in DELEGATES:
            raise ValueError(f"delegate {delegate!r} is none of {', '.join(DELEGATES)}")
        ffi, lib = compiled().ffi, compiled().lib
        library = self.opened()
        borrowed = ffi.from_buffer(model)
        asked = {
            "delegate": DELEGATES.index(delegate),
            "threads": threads,
            "count_nodes": count_nodes,
            "profile": profile,
        }
        pointer = open_session(library, borrowed, asked, options or RuntimeOptions(), progress)
        # What is borrowed hangs on the destructor: it is let go after the session, in any order
        # that the garbage collector takes.
        close = partial(_close_session, lib.retime_session_close, (library, borrowed))
        session = Session(ffi.gc(pointer, close))
        self._sessions.add(session)
        return session

    @property
    def missing(self) -> tuple[str, ...]:
        """Functions that it lacks and its kind may have, each with the feature that is lost."""
        found: list[str] = []
        missing = compiled().lib.retime_library_missing
        while (one := missing(self.opened(), len(found))) != compiled().ffi.NULL:
            found.append(text(one))
        return tuple(found)

    def close(self) -> None:
        """Closes the library and its open sessions. Closing again does nothing."""
        for session in tuple(self._sessions):
            session.close()
        super().close()


def clock() -> Clock:
    """Describes the clock that samples are taken with.

    Raises:
        HarnessError: it can't be read.
        HarnessMissingError: the harness is not built.
    """
    record = compiled().ffi.new("retime_clock *")
    call(compiled().lib.retime_clock_describe, record)
    name = _CLOCKS.get(record.id, f"clock {record.id}")
    return Clock(name, int(record.resolution_ns), int(record.step_ns), int(record.cost_ns))


def now_ns() -> int:
    """Reads that clock: nanoseconds from some fixed moment.

    Raises:
        HarnessError: it can't be read.
        HarnessMissingError: the harness is not built.
    """
    now = int(compiled().lib.retime_clock_now())
    if now < 0:
        clock()  # fails in the same way, and says why
    return now


def place(model: bytes, offset: int) -> memoryview:
    """Copies a model to memory at a chosen distance from the start of a page.

    Where a model happens to lie can change its speed, so experiments move it from process to
    process (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong!").

    Args:
        model: the bytes of a .tflite file.
        offset: bytes from a page's start; a multiple of 64 from 0 to 4032.

    Returns:
        The copy, read-only; its memory lives as long as it is used.
    """
    if offset % _LINE_BYTES or not 0 <= offset < _PAGE_BYTES:
        raise ValueError(f"offset {offset} is not a multiple of 64 from 0 to 4032")
    end = offset + len(model)
    # Kernels may read a few bytes past the last weight, which must not be the end of the mapping.
    pages = mmap.mmap(-1, end + _LINE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages[offset:end] = model
    return memoryview(pages)[offset:end].toreadonly()


def compiled() -> Any:
    """The compiled module, with its `ffi` and `lib`.

    Raises:
        HarnessMissingError: it is not built.
    """
    if _module is None:
        raise HarnessMissingError(_WHY_MISSING)
    return _module


def call(function: Any, *arguments: Any) -> None:
    """Calls a fallible function of the harness, whose last argument is the error record.

    Raises:
        HarnessError: the function failed.
    """
    record = compiled().ffi.new("retime_error *")
    status = function(*arguments, record)
    if status:
        raise HarnessError(status=status, step=text(record.step), message=text(record.message))


def _close_session(close: Callable[[Any], None], _borrowed: object, pointer: Any) -> None:
    close(pointer)


def text(characters: Any) -> str:
    """A NUL-terminated text of the harness's."""
    raw: bytes = compiled().ffi.string(characters)
    return raw.decode("utf-8", errors="replace")
