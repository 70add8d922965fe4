"""The harness as Python sees it: return codes become exceptions, pointers become owned objects.

The only module that touches the compiled one, `_harness`. It imports nothing heavy, because the
processes that are timed import it. A library or session belongs to one thread at a time.
"""

from __future__ import annotations

import mmap
import os
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakSet

from runner.errors import EnvironmentUnusableError, RetimeError

if TYPE_CHECKING:
    from typing_extensions import Self

try:
    import runner.timing._harness as _module
except ImportError as error:
    # Specs are checked and planned without a compiler; only timing needs the harness.
    _module, _WHY_MISSING = None, str(error)
else:
    _WHY_MISSING = ""

Bytes: TypeAlias = "bytes | bytearray | memoryview | array[Any] | mmap.mmap"
Samples: TypeAlias = "array[int] | memoryview"

_DELEGATES: Final = ("none", "xnnpack")
_CLOCKS: Final = {
    time.CLOCK_MONOTONIC_RAW: "CLOCK_MONOTONIC_RAW",
    time.CLOCK_MONOTONIC: "CLOCK_MONOTONIC",
}
# By TfLiteType.
_TYPES: Final = (
    *("none", "float32", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8"),
    *("float16", "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16"),
    *("int4", "bfloat16", "int2", "uint4", "float8_e4m3fn", "float8_e5m2"),
)
_MOST_DIMS: Final = 8
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


@dataclass(frozen=True)
class Startup:
    """What it took to make a session, in nanoseconds.

    Attributes:
        model_ns: reading the model.
        interpreter_ns: making the delegate and the interpreter.
        allocate_ns: allocating tensors, and packing weights where that is done then.
    """

    model_ns: int
    interpreter_ns: int
    allocate_ns: int


@dataclass(frozen=True)
class Nodes:
    """How much of the primary subgraph the delegate took; all None where it was not counted.

    Attributes:
        nodes: operators before delegation.
        delegated: of these, those inside a delegate.
        partitions: delegate kernels in the final plan.
    """

    nodes: int | None
    delegated: int | None
    partitions: int | None


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        name: as in the model; cut where it has more than 255 bytes.
        type_name: such as `float32` or `int8`.
        shape: the extents; the first 8 where there are more.
        byte_size: of all values together.
        scale: real = scale * (stored - zero_point); 0 where it is not quantized.
        zero_point: the stored value that means 0.
    """

    name: str
    type_name: str
    shape: tuple[int, ...]
    byte_size: int
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Clock:
    """The clock that samples are taken with.

    Attributes:
        name: such as `CLOCK_MONOTONIC_RAW`.
        resolution_ns: as the kernel states it.
        cost_ns: of one reading, the median of many.
    """

    name: str
    resolution_ns: int
    cost_ns: int


class _Owner:
    """What holds a pointer until it is closed, by `close`, a `with` block or garbage collection."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer

    def close(self) -> None:
        """Closes it and lets go of what it borrows. Closing again does nothing."""
        if self._pointer is not None:
            _compiled().ffi.release(self._pointer)
            self._pointer = None

    def _open(self) -> Any:
        if self._pointer is None:
            raise ValueError(f"the {type(self).__name__.lower()} is closed")
        return self._pointer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Library(_Owner):
    """An inference library that was opened; made by `Library.open`.

    Closing it, as leaving its `with` block does, closes the sessions that are still open.

    Attributes:
        path: as it was given to `open`.
        version: in the library's own words.
    """

    def __init__(self, pointer: Any, path: str) -> None:
        super().__init__(pointer)
        self._sessions: WeakSet[Session] = WeakSet()
        self.path = path
        self.version = _text(_compiled().lib.retime_library_version(pointer))

    @classmethod
    def open(cls, path: str) -> Library:
        """Opens a TFLite C library.

        Args:
            path: a file, or a bare name that the system's loader resolves.

        Raises:
            HarnessError: it is no library, or lacks a function that is needed.
            HarnessMissingError: the harness is not built.
        """
        ffi, lib = _compiled().ffi, _compiled().lib
        holder = ffi.new("retime_library **")
        _call(lib.retime_library_open, os.fsencode(path), holder)
        return cls(ffi.gc(holder[0], lib.retime_library_close), path)

    def session(
        self, model: Bytes, *, delegate: str, threads: int, count_nodes: bool = False
    ) -> Session:
        """Makes a model ready to run, with its inputs zeroed.

        Args:
            model: the bytes of a .tflite file, best from `place`; borrowed while the session is
                open. Bytes that are made to do harm can crash the process.
            delegate: `none` for the library's built-in kernels, or `xnnpack`.
            threads: from 1 to 1024.
            count_nodes: fill `Session.nodes`. It adds observers to the session, so not for timing.

        Raises:
            HarnessError: the library refuses the model or the options.
            ValueError: there is no such delegate, or the library is closed.
        """
        if delegate not in _DELEGATES:
            raise ValueError(f"delegate {delegate!r} is none of {', '.join(_DELEGATES)}")
        ffi, lib = _compiled().ffi, _compiled().lib
        library = self._open()
        borrowed = ffi.from_buffer(model)
        options = ffi.new(
            "retime_options *",
            {
                "delegate": _DELEGATES.index(delegate),
                "threads": threads,
                "count_nodes": count_nodes,
            },
        )
        holder = ffi.new("retime_session **")
        _call(lib.retime_session_open, library, borrowed, len(borrowed), options, holder)
        # What is borrowed hangs on the destructor: it is let go after the session, in any order
        # that the garbage collector takes.
        close = partial(_close_session, lib.retime_session_close, (library, borrowed))
        session = Session(ffi.gc(holder[0], close))
        self._sessions.add(session)
        return session

    def close(self) -> None:
        """Closes the library and its open sessions. Closing again does nothing."""
        for session in tuple(self._sessions):
            session.close()
        super().close()


class Session(_Owner):
    """A model made ready to run; made by `Library.session`.

    Every method raises ValueError after `close`.

    Attributes:
        startup: what it took to make.
        nodes: how much of the graph the delegate took.
    """

    def __init__(self, pointer: Any) -> None:
        super().__init__(pointer)
        self.startup = _startup(pointer)
        self.nodes = _nodes(pointer)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The model's inputs."""
        lib = _compiled().lib
        return self._tensors(lib.retime_session_input_count, lib.retime_session_input)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The model's outputs; a few models decide their shapes in the first inference only."""
        lib = _compiled().lib
        return self._tensors(lib.retime_session_output_count, lib.retime_session_output)

    def write(self, index: int, values: Bytes) -> None:
        """Copies values into an input.

        Args:
            index: from 0.
            values: as many bytes as the tensor has.

        Raises:
            HarnessError: there is no such input, or the size is another.
        """
        borrowed = _compiled().ffi.from_buffer(values)
        write = _compiled().lib.retime_session_write
        _call(write, self._open(), index, borrowed, len(borrowed))

    def read(self, index: int) -> bytes:
        """Copies an output, as the last inference left it; before the first one it is anything.

        Raises:
            HarnessError: there is no such output, or it has no values yet.
        """
        ffi, lib = _compiled().ffi, _compiled().lib
        size = _describe(self._open(), index, lib.retime_session_output).byte_size
        values = bytearray(size)
        _call(lib.retime_session_read, self._open(), index, ffi.from_buffer(values), size)
        return bytes(values)

    def map(self, inputs: Bytes, count: int) -> bytearray:
        """Runs the model on each of many inputs; for models with one input and one output.

        Args:
            inputs: `count` inputs, end to end.
            count: inferences to run.

        Returns:
            The `count` outputs, end to end.

        Raises:
            HarnessError: an inference failed, or the sizes do not fit.
        """
        if count < 0:
            raise ValueError(f"{count} inferences can't be run")
        ffi, lib = _compiled().ffi, _compiled().lib
        outputs = self.outputs
        values = bytearray(count * outputs[0].byte_size if outputs else 0)
        taken, given = ffi.from_buffer(inputs), ffi.from_buffer(values)
        _call(lib.retime_session_map, self._open(), taken, len(taken), given, len(given), count)
        return values

    def warm_up(self, min_runs: int, min_ns: int) -> int:
        """Runs until both `min_runs` inferences and `min_ns` nanoseconds are done.

        Returns:
            How many inferences were run.

        Raises:
            HarnessError: an inference failed.
        """
        done = _compiled().ffi.new("int64_t *")
        _call(_compiled().lib.retime_session_warm_up, self._open(), min_runs, min_ns, done)
        return int(done[0])

    def time(self, samples: Samples, delay_ns: int = 0) -> int:
        """Times one inference per sample.

        Args:
            samples: receives the nanoseconds; a writable buffer of int64, such as `array("q")`.
            delay_ns: a busy wait after each inference, inside the timed region; up to 10 s.

        Returns:
            How many samples were taken: all of them.

        Raises:
            HarnessError: an inference failed, or the clock stepped.
            TypeError: `samples` is not a writable, contiguous buffer of int64.
        """
        ffi, lib = _compiled().ffi, _compiled().lib
        view = memoryview(samples)
        if view.itemsize != 8 or view.format not in {"q", "l"} or view.readonly:
            raise TypeError(f"samples must be writable int64, not {view.format!r}")
        if not view.c_contiguous:
            raise TypeError("samples must lie side by side")
        done = ffi.new("size_t *")
        taken = ffi.from_buffer("int64_t[]", view, require_writable=True)
        _call(lib.retime_session_time, self._open(), taken, len(taken), delay_ns, done)
        return int(done[0])

    def _tensors(self, count: Callable[[Any], int], describe: Any) -> tuple[Tensor, ...]:
        pointer = self._open()
        return tuple(_describe(pointer, index, describe) for index in range(count(pointer)))


def clock() -> Clock:
    """Describes the clock that samples are taken with.

    Raises:
        HarnessError: it can't be read.
        HarnessMissingError: the harness is not built.
    """
    record = _compiled().ffi.new("retime_clock *")
    _call(_compiled().lib.retime_clock_describe, record)
    name = _CLOCKS.get(record.id, f"clock {record.id}")
    return Clock(name, int(record.resolution_ns), int(record.cost_ns))


def now_ns() -> int:
    """Reads that clock: nanoseconds from some fixed moment.

    Raises:
        HarnessError: it can't be read.
        HarnessMissingError: the harness is not built.
    """
    now = int(_compiled().lib.retime_clock_now())
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


def _compiled() -> Any:
    """The compiled module, with its `ffi` and `lib`."""
    if _module is None:
        raise HarnessMissingError(_WHY_MISSING)
    return _module


def _call(function: Any, *arguments: Any) -> None:
    """Calls a fallible function of the harness, whose last argument is the error record."""
    record = _compiled().ffi.new("retime_error *")
    status = function(*arguments, record)
    if status:
        raise HarnessError(status=status, step=_text(record.step), message=_text(record.message))


def _close_session(close: Callable[[Any], None], _borrowed: object, pointer: Any) -> None:
    close(pointer)


def _describe(pointer: Any, index: int, describe: Any) -> Tensor:
    record = _compiled().ffi.new("retime_tensor *")
    _call(describe, pointer, index, record)
    known = 0 <= record.type < len(_TYPES)
    return Tensor(
        name=_text(record.name),
        type_name=_TYPES[record.type] if known else f"type {record.type}",
        shape=tuple(record.dims[i] for i in range(min(record.rank, _MOST_DIMS))),
        byte_size=int(record.bytes),
        scale=float(record.scale),
        zero_point=int(record.zero_point),
    )


def _startup(pointer: Any) -> Startup:
    record = _compiled().ffi.new("retime_startup *")
    _compiled().lib.retime_session_startup(pointer, record)
    return Startup(int(record.model_ns), int(record.interpreter_ns), int(record.allocate_ns))


def _nodes(pointer: Any) -> Nodes:
    record = _compiled().ffi.new("retime_nodes *")
    _compiled().lib.retime_session_nodes(pointer, record)
    counts = (record.nodes, record.delegated, record.partitions)
    return Nodes(*(int(count) if count >= 0 else None for count in counts))


def _text(characters: Any) -> str:
    text: bytes = _compiled().ffi.string(characters)
    return text.decode("utf-8", errors="replace")
