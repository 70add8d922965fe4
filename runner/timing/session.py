"""A model that is ready to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from runner.timing.native import Bytes, Owner, Samples, call, compiled, text
from runner.timing.records import (
    CALLS,
    TYPES,
    Nodes,
    Operation,
    Profile,
    RuntimeOptions,
    Startup,
    Tensor,
    Timing,
    known,
)

_MOST_DIMS: Final = 8
# Kernels and operators of the largest networks number some thousands.
_MOST_OPERATIONS: Final = 8192


class Session(Owner):
    """A model made ready to run; made by `Library.session`.

    Every method raises ValueError after `close`.

    Attributes:
        startup: what it took to make.
        nodes: how much of the graph the delegate took.
        call: what runs an inference, `interpreter` or `signature`.
        signatures: the names of those that the model has.
    """

    def __init__(self, pointer: Any) -> None:
        super().__init__(pointer)
        lib = compiled().lib
        self.startup = _startup(pointer)
        self.nodes = _nodes(pointer)
        self.call = CALLS[lib.retime_session_call(pointer)]
        self.signatures = tuple(
            text(lib.retime_session_signature(pointer, index))
            for index in range(lib.retime_session_signature_count(pointer))
        )

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The model's inputs; those of a signature in the order of their names."""
        lib = compiled().lib
        return self._tensors(lib.retime_session_input_count, lib.retime_session_input)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The model's outputs; a few models decide their shapes in the first inference only."""
        lib = compiled().lib
        return self._tensors(lib.retime_session_output_count, lib.retime_session_output)

    @property
    def input_size(self) -> int:
        """The bytes of one set of inputs: all of them."""
        return self._size(compiled().lib.retime_session_input_size)

    @property
    def output_size(self) -> int:
        """The bytes of one set of outputs: all of them."""
        return self._size(compiled().lib.retime_session_output_size)

    def write(self, index: int, values: Bytes) -> None:
        """Copies values into an input.

        Args:
            index: from 0.
            values: as many bytes as the tensor has.

        Raises:
            HarnessError: there is no such input, or the size is another.
        """
        borrowed = compiled().ffi.from_buffer(values)
        write = compiled().lib.retime_session_write
        call(write, self.opened(), index, borrowed, len(borrowed))

    def write_set(self, values: bytes) -> None:
        """Copies a set of all inputs, laid end to end.

        Raises:
            HarnessError: the set has another size than the inputs.
        """
        place = 0
        for index, tensor in enumerate(self.inputs):
            self.write(index, values[place : place + tensor.byte_size])
            place += tensor.byte_size

    def read(self, index: int) -> bytes:
        """Copies an output, as the last inference left it; before the first one it is anything.

        Raises:
            HarnessError: there is no such output, or it has no values yet.
        """
        ffi, lib = compiled().ffi, compiled().lib
        size = _describe(self.opened(), index, lib.retime_session_output).byte_size
        values = bytearray(size)
        call(lib.retime_session_read, self.opened(), index, ffi.from_buffer(values), size)
        return bytes(values)

    def randomize(self, seed: int) -> bytes:
        """Makes a set of random inputs, the same for the same seed on every machine.

        Real numbers are from -1 to 1; integers of at most 16 bits are anywhere in their range;
        longer ones, which may be positions, are 0 or 1.
        """
        values = bytearray(self.input_size)
        borrowed = compiled().ffi.from_buffer(values)
        randomize = compiled().lib.retime_session_randomize
        call(randomize, self.opened(), seed, borrowed, len(values))
        return bytes(values)

    def map(self, inputs: Bytes, count: int) -> bytearray:
        """Runs the model on each of many sets of inputs; a set is all inputs, end to end.

        Args:
            inputs: `count` sets, end to end.
            count: inferences to run.

        Returns:
            The `count` sets of outputs, end to end.

        Raises:
            HarnessError: an inference failed, the sizes do not fit, or an output's size changes.
        """
        if count < 0:
            raise ValueError(f"{count} inferences can't be run")
        ffi, lib = compiled().ffi, compiled().lib
        values = bytearray(count * self.output_size)
        taken, given = ffi.from_buffer(inputs), ffi.from_buffer(values)
        call(lib.retime_session_map, self.opened(), taken, len(taken), given, len(given), count)
        return values

    def warm_up(self, min_runs: int, min_ns: int) -> int:
        """Runs until both `min_runs` inferences and `min_ns` nanoseconds are done.

        Returns:
            How many inferences were run.

        Raises:
            HarnessError: an inference failed.
        """
        done = compiled().ffi.new("int64_t *")
        call(compiled().lib.retime_session_warm_up, self.opened(), min_runs, min_ns, done)
        return int(done[0])

    def time(self, samples: Samples, timing: Timing | None = None) -> int:
        """Times one inference per sample.

        Args:
            samples: receives the nanoseconds; a writable buffer of int64, such as `array("q")`.
            timing: how; without it one run follows the other until `samples` is full.

        Returns:
            How many samples were taken.

        Raises:
            HarnessError: an inference failed, or the clock stepped.
            TypeError: `samples` is not a writable, contiguous buffer of int64.
        """
        ffi, lib = compiled().ffi, compiled().lib
        view = memoryview(samples)
        if view.itemsize != 8 or view.format not in {"q", "l"} or view.readonly:
            raise TypeError(f"samples must be writable int64, not {view.format!r}")
        if not view.c_contiguous:
            raise TypeError("samples must lie side by side")
        done = ffi.new("size_t *")
        taken = ffi.from_buffer("int64_t[]", view, require_writable=True)
        how, _borrowed = self._timing(timing or Timing())
        call(lib.retime_session_time, self.opened(), how, taken, len(taken), done)
        return int(done[0])

    def profile(self, runs: int) -> Profile:
        """Runs the model and adds up what each operation takes.

        Raises:
            HarnessError: the session was opened without `profile`, or an inference failed.
        """
        ffi, lib = compiled().ffi, compiled().lib
        operations = ffi.new("retime_operation[]", _MOST_OPERATIONS)
        record = ffi.new("retime_profile *")
        call(lib.retime_session_profile, self.opened(), runs, operations, len(operations), record)
        return Profile(
            runs=int(record.runs),
            total_ns=int(record.total_ns),
            operations=tuple(_operation(operations[i]) for i in range(record.operations)),
            dropped=int(record.dropped),
            tick_ns=int(record.tick_ns),
            arena_bytes=known(record.arena_bytes),
        )

    def _timing(self, timing: Timing) -> tuple[Any, Any]:
        """The record, and what it borrows."""
        ffi = compiled().ffi
        inputs = ffi.from_buffer(timing.input_sets)
        size = self.input_size if timing.input_sets else 0
        fields = {
            "runs": timing.runs,
            "min_ns": timing.min_ns,
            "delay_ns": timing.delay_ns,
            "gap_ns": timing.gap_ns,
            "flush_bytes": timing.flush_bytes,
            "inputs": inputs if timing.input_sets else ffi.NULL,
            "inputs_size": len(inputs),
            "input_sets": len(inputs) // size if size else 0,
        }
        return ffi.new("retime_timing *", fields), inputs

    def _size(self, function: Any) -> int:
        size = compiled().ffi.new("size_t *")
        call(function, self.opened(), size)
        return int(size[0])

    def _tensors(self, count: Callable[[Any], int], describe: Any) -> tuple[Tensor, ...]:
        pointer = self.opened()
        return tuple(_describe(pointer, index, describe) for index in range(count(pointer)))


def open_session(
    library: Any,
    model: Any,
    asked: dict[str, int],
    options: RuntimeOptions,
    progress: Callable[[str], None] | None,
) -> Any:
    """Calls the harness; returns a bare pointer, which the caller owns.

    Args:
        library: an open library's pointer.
        model: the bytes, as the compiled module borrows them.
        asked: the plain numbers among the options.
        progress: called with the name of each step that can crash, before it.

    Raises:
        HarnessError: the library refuses the model or the options.
        ValueError: there is no such call.
    """
    if options.call not in CALLS:
        raise ValueError(f"call {options.call!r} is none of {', '.join(CALLS)}")
    ffi, lib = compiled().ffi, compiled().lib
    # The record holds pointers to these and doesn't keep them alive.
    texts = {
        name: ffi.new("char[]", os.fsencode(value)) if value else ffi.NULL
        for name, value in (
            ("signature", options.signature),
            ("xnnpack_flags", options.flags),
            ("weight_cache", options.weight_cache),
            ("delegate_path", options.delegate_path),
        )
    }
    pairs = [
        [ffi.new("char[]", os.fsencode(part)) for part in pair]
        for pair in options.delegate_options.items()
    ]
    settings = ffi.new("retime_setting[]", [tuple(pair) for pair in pairs])
    shapes = ffi.new(
        "retime_shape[]",
        [(index, len(dims), list(dims)) for index, dims in options.shapes.items()],
    )
    fields = {
        **asked,
        **texts,
        "call": CALLS.index(options.call),
        "settings": settings,
        "setting_count": len(pairs),
        "shapes": shapes,
        "shape_count": len(options.shapes),
    }
    if progress is not None:
        tell = progress

        def step(name: Any, _context: Any) -> None:
            tell(text(name))

        fields["progress"] = ffi.callback("void(char *, void *)", step)
    holder = ffi.new("retime_session **")
    record = ffi.new("retime_options *", fields)
    call(lib.retime_session_open, library, model, len(model), record, holder)
    return holder[0]


def _describe(pointer: Any, index: int, describe: Any) -> Tensor:
    record = compiled().ffi.new("retime_tensor *")
    call(describe, pointer, index, record)
    in_table = 0 <= record.type < len(TYPES)
    return Tensor(
        name=text(record.name),
        type_name=TYPES[record.type] if in_table else f"type {record.type}",
        shape=tuple(record.dims[i] for i in range(min(record.rank, _MOST_DIMS))),
        byte_size=int(record.bytes),
        scale=float(record.scale),
        zero_point=int(record.zero_point),
    )


def _operation(record: Any) -> Operation:
    return Operation(
        name=text(record.name),
        subgraph=int(record.subgraph),
        index=int(record.index),
        parent=known(record.parent),
        partition=known(record.partition),
        delegate=bool(record.delegate),
        calls=int(record.calls),
        total_ns=int(record.total_ns),
        self_ns=int(record.self_ns),
    )


def _startup(pointer: Any) -> Startup:
    record = compiled().ffi.new("retime_startup *")
    compiled().lib.retime_session_startup(pointer, record)
    return Startup(int(record.model_ns), int(record.interpreter_ns), int(record.allocate_ns))


def _nodes(pointer: Any) -> Nodes:
    record = compiled().ffi.new("retime_nodes *")
    compiled().lib.retime_session_nodes(pointer, record)
    return Nodes(known(record.nodes), known(record.delegated), known(record.partitions))
