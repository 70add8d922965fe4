"""What a .tflite file computes, read from its bytes without any library.

The format is FlatBuffers: a table starts with the distance back to the list of where its fields
are, and fields that hold more than a number point forward to it. Field numbers are those of
tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# A file's content, in memory or mapped into it.
Bytes = bytes | mmap.mmap

_IDENTIFIER = b"TFL3"
_OPERATOR_CODES, _SUBGRAPHS = 1, 2
_OLD_CODE, _CODE = 0, 3
_TENSORS, _OPERATORS = 0, 3
_SHAPE = 0
_CODE_INDEX, _INPUTS, _OUTPUTS = 0, 1, 2
_CONVOLUTIONS = (3, 4)
_FULLY_CONNECTED = 9


def count_multiply_adds(content: Bytes) -> int | None:
    """The multiply-adds of all convolutions and dense layers of the primary subgraph.

    As the papers on MobileNets count them: one for each weight and each place where it is used;
    biases, activations, pooling and additions are left out.

    Returns:
        None where the bytes are no .tflite file.
    """
    try:
        return sum(map(_of_operator, _operators(content)))
    except (struct.error, IndexError, TypeError, ZeroDivisionError):
        return None


@dataclass(frozen=True)
class _Operator:
    code: int
    weights: tuple[int, ...]
    output: tuple[int, ...]


def _of_operator(operator: _Operator) -> int:
    weights, output = operator.weights, operator.output
    if operator.code == _FULLY_CONNECTED:
        # Shape (units, inputs); the rows are the places.
        return math.prod(output) // weights[0] * math.prod(weights)
    # Shape (filters, height, width, channels); of depthwise ones (1, height, width, filters).
    return math.prod(output[:3]) * math.prod(weights)


def _operators(content: Bytes) -> Iterator[_Operator]:
    """Those that multiply weights, in their order."""
    if content[4:8] != _IDENTIFIER:
        raise IndexError("no .tflite file")
    model = _Table(content, _unsigned(content, 0))
    codes = [
        max(code.byte(_OLD_CODE), code.number(_CODE)) for code in model.tables(_OPERATOR_CODES)
    ]
    graph = next(model.tables(_SUBGRAPHS), None)
    if graph is None:
        return
    shapes = [tensor.numbers(_SHAPE) for tensor in graph.tables(_TENSORS)]
    for operator in graph.tables(_OPERATORS):
        code = codes[operator.number(_CODE_INDEX)]
        if code in {*_CONVOLUTIONS, _FULLY_CONNECTED}:
            weights, output = operator.numbers(_INPUTS)[1], operator.numbers(_OUTPUTS)[0]
            if min(*shapes[weights], *shapes[output]) < 0:
                raise IndexError("a size below zero")
            yield _Operator(code, shapes[weights], shapes[output])


@dataclass(frozen=True)
class _Table:
    content: Bytes
    start: int

    def byte(self, field: int) -> int:
        place = self._place(field)
        return int(struct.unpack_from("<b", self.content, place)[0]) if place else 0

    def number(self, field: int) -> int:
        place = self._place(field)
        return _signed(self.content, place) if place else 0

    def numbers(self, field: int) -> tuple[int, ...]:
        start, length = self._vector(field)
        return struct.unpack_from(f"<{length}i", self.content, start)

    def tables(self, field: int) -> Iterator[_Table]:
        start, length = self._vector(field)
        for place in range(start, start + 4 * length, 4):
            yield _Table(self.content, place + _unsigned(self.content, place))

    def _vector(self, field: int) -> tuple[int, int]:
        """Where its elements start, of four bytes each, and how many there are."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + _unsigned(self.content, place)
        length = _unsigned(self.content, start)
        if start + 4 + 4 * length > len(self.content):
            raise IndexError("a list beyond the end of the file")
        return start + 4, length

    def _place(self, field: int) -> int:
        """Where a field's value stands; 0 where it is left out."""
        fields = self.start - _signed(self.content, self.start)
        if fields < 0:
            raise IndexError("a table before the start of the file")
        size, offset = struct.unpack_from("<H", self.content, fields)[0], 4 + 2 * field
        if offset >= size:
            return 0
        found = int(struct.unpack_from("<H", self.content, fields + offset)[0])
        return self.start + found if found else 0


def _signed(content: Bytes, place: int) -> int:
    return int(struct.unpack_from("<i", content, place)[0])


def _unsigned(content: Bytes, place: int) -> int:
    return int(struct.unpack_from("<I", content, place)[0])
