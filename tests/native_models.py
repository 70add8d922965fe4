"""Tiny .tflite files, written byte by byte: they need no TensorFlow and are as odd as a test likes.

The format is FlatBuffers: tables point forward to what they hold, and each starts with the distance
back to its list of field positions.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

# Numbers of the file format, which differ from TfLiteType.
FLOAT32, INT32, INT64, STRING = 0, 2, 4, 5
GATHER, MAXIMUM, NEG, WHERE = 36, 55, 59, 109
CUSTOM = 32

Value: TypeAlias = "int | bytes | str | list[int] | list[Table]"


@dataclass
class Table:
    """A table: what stands in each numbered field; absent fields have their defaults."""

    fields: Mapping[int, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of a model that is to be written."""

    name: str
    shape: Sequence[int] = (1, 4)
    type: int = FLOAT32
    values: bytes = b""


def write_model(
    tensors: Sequence[TensorSpec],
    operator: int,
    inputs: Sequence[int],
    outputs: Sequence[int],
    *,
    constants: Sequence[int] = (),
) -> bytes:
    """A model with one operator.

    Args:
        operator: its builtin code.
        inputs: tensors that the model takes, and the operator after the constants.
        outputs: tensors that both give.
        constants: tensors that the operator takes first, with values of their own.
    """
    written = [
        Table({0: list(one.shape), 1: one.type, 2: index + 1, 3: one.name})
        for index, one in enumerate(tensors)
    ]
    node = Table({0: 0, 1: [*constants, *inputs], 2: list(outputs)})
    graph = Table({0: written, 1: list(inputs), 2: list(outputs), 3: [node], 4: "main"})
    code = Table({0: operator, 2: 1, 3: operator} | ({1: "Sesame"} if operator == CUSTOM else {}))
    buffers = [Table()] + [Table({0: one.values} if one.values else {}) for one in tensors]
    return _serialize(Table({0: 3, 1: [code], 2: [graph], 3: "by hand", 4: buffers}))


def negation(size: int = 4) -> bytes:
    """Takes `x` of shape (1, size), gives `y` = -x; XNNPACK takes its only node."""
    return write_model([TensorSpec("x", (1, size)), TensorSpec("y", (1, size))], NEG, [0], [1])


def maximum() -> bytes:
    """Takes `a` and `b`, gives the greater of each pair."""
    return write_model([TensorSpec("a"), TensorSpec("b"), TensorSpec("c")], MAXIMUM, [0, 1], [2])


def lookup() -> bytes:
    """Takes the number of one of two values, 1.0 and 2.0; fails on any other number."""
    table = TensorSpec("table", (2,), values=struct.pack("<2f", 1, 2))
    return write_model(
        [table, TensorSpec("number", (1,), INT32), TensorSpec("value", (1,))],
        GATHER,
        [1],
        [2],
        constants=[0],
    )


def positions() -> bytes:
    """Takes 4 numbers, gives where they aren't 0: as many rows as there are, known afterwards."""
    return write_model([TensorSpec("x", (4,)), TensorSpec("rows", (0, 1), INT64)], WHERE, [0], [1])


def texts() -> bytes:
    """Takes texts, which the harness can't zero."""
    return write_model(
        [TensorSpec("x", (1,), STRING), TensorSpec("y", (1,), STRING)], NEG, [0], [1]
    )


def misfit() -> bytes:
    """Compares floats with integers, which is noticed when memory is allocated."""
    return write_model(
        [TensorSpec("a"), TensorSpec("b", type=INT32), TensorSpec("c")], MAXIMUM, [0, 1], [2]
    )


def custom_operator() -> bytes:
    """Its operator is called Sesame; no library has it."""
    return write_model([TensorSpec("x"), TensorSpec("y")], CUSTOM, [0], [1])


def future_operator() -> bytes:
    """Its operator has a number that no library knows yet."""
    return write_model([TensorSpec("x"), TensorSpec("y")], 9999, [0], [1])


def _serialize(root: Table) -> bytes:
    data = bytearray(b"\0\0\0\0TFL3")
    struct.pack_into("<I", data, 0, _append(data, root))
    return bytes(data)


def _append(data: bytearray, value: Value | Table) -> int:
    """Appends a value that is pointed to, and then what it points to itself; returns its place."""
    data.extend(bytes(-len(data) % 4))
    if isinstance(value, Table):
        return _append_table(data, value.fields)
    place = len(data)
    if isinstance(value, list) and value and isinstance(value[0], Table):
        data += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for index, item in enumerate(value):
            _point(data, place + 4 + 4 * index, _append(data, item))
    elif isinstance(value, list):
        data += struct.pack(f"<I{len(value)}i", len(value), *value)
    else:
        raw = value.encode() if isinstance(value, str) else bytes(value)
        data += struct.pack("<I", len(raw)) + raw + (b"\0" if isinstance(value, str) else b"")
    return place


def _append_table(data: bytearray, fields: Mapping[int, Value]) -> int:
    """Appends a table whose every field takes four bytes."""
    numbers = sorted(fields)
    slots = numbers[-1] + 1 if numbers else 0
    positions_ = [4 + 4 * numbers.index(slot) if slot in fields else 0 for slot in range(slots)]
    list_place = len(data)
    data += struct.pack(f"<{2 + slots}H", 4 + 2 * slots, 4 + 4 * len(numbers), *positions_)
    data.extend(bytes(-len(data) % 4))
    place = len(data)
    data += struct.pack("<i", place - list_place) + bytes(4 * len(numbers))
    for index, slot in enumerate(numbers):
        value, where = fields[slot], place + 4 + 4 * index
        if isinstance(value, int):
            struct.pack_into("<i", data, where, value)
        else:
            _point(data, where, _append(data, value))
    return place


def _point(data: bytearray, where: int, target: int) -> None:
    struct.pack_into("<I", data, where, target - where)
