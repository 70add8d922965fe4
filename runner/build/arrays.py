"""Arrays on the disk that are larger than memory: written in pieces, read through a map."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class ArrayWriter:
    """Writes a .npy file piece by piece along the first axis.

    NumPy's own writer loses the system's error number, so that a full disk can't be told from any
    other failure; this one keeps it.

    Args:
        shape: of the whole array; fewer rows may be written in the end.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._shape = shape
        self._rows = 0
        self._file = path.open("wb")
        self._write_head(shape[0])
        self._start = self._file.tell()

    def append(self, piece: NDArray[Any]) -> None:
        """Writes the next rows."""
        self._file.write(np.ascontiguousarray(piece, dtype=self._dtype).data)
        self._rows += len(piece)

    def _write_head(self, rows: int) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (rows, *self._shape[1:]),
        }
        # NumPy leaves room for the number of rows to change.
        np.lib.format.write_array_header_1_0(self._file, header)

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._rows != self._shape[0]:
                self._file.seek(0)
                self._write_head(self._rows)
                assert self._file.tell() == self._start  # noqa: S101 - see _write_head
        finally:
            self._file.close()


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Writes a whole array as a .npy file."""
    with ArrayWriter(path, array.shape, array.dtype) as writer:
        writer.append(array)


def open_array(path: Path) -> NDArray[Any]:
    """A .npy file as an array whose pages are read when they are needed."""
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
