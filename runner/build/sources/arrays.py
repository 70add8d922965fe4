"""Images in arrays: .npz and .npy files of NumPy, IDX files as MNIST has them. Never pickles."""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from runner.build.failures import StageFailure, excerpt
from runner.build.sources.collection import Collection, Loader, number_labels, ready

_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class _Rows:
    """An array in a file, read from its beginning to its end.

    Attributes:
        open: opens it at its first value.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[], AbstractContextManager[IO[bytes]]]

    def iterate(self, chosen: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
        """The chosen rows, in rising order; others are passed over."""
        size = self.dtype.itemsize * math.prod(self.shape[1:])
        place = 0
        with self.open() as file:
            for index in chosen:
                while place < index:
                    self._take(file, size)
                    place += 1
                row = self._take(file, size)
                place += 1
                yield np.frombuffer(row, self.dtype).reshape(self.shape[1:])

    def all(self) -> NDArray[Any]:
        """The whole array: for labels."""
        with self.open() as file:
            content = self._take(file, self.dtype.itemsize * math.prod(self.shape))
        return np.frombuffer(content, self.dtype).reshape(self.shape)

    def _take(self, file: IO[bytes], size: int) -> bytes:
        try:
            content = file.read(size)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise _damaged(self.name, excerpt(error)) from error
        if len(content) != size:
            raise _damaged(self.name, "it ends before the last value that its head announces")
        return content


def arrays(options: Mapping[str, Any]) -> Collection:
    """One .npz file, or an .npy file of images and one of labels.

    Raises:
        StageFailure: an array is missing, of objects, or doesn't fit the other.
    """
    if options.get("path") is not None:
        path = Path(options["path"])
        images = _from_archive(path, options["image_key"])
        labels = _from_archive(path, options["label_key"])
    else:
        images, labels = (_from_npy(Path(options[name])) for name in ("images", "labels"))
    return _collection([(images, labels)])


def idx(options: Mapping[str, Any]) -> Collection:
    """Files as MNIST has them, plain or gzipped; test files of their own, if they are named."""
    parts = [(_from_idx(Path(options["images"])), _from_idx(Path(options["labels"])))]
    if options.get("test_images") is not None:
        tests = (Path(options["test_images"]), Path(options["test_labels"]))
        parts.append((_from_idx(tests[0]), _from_idx(tests[1])))
    return _collection(parts)


def _collection(parts: list[tuple[_Rows, _Rows]]) -> Collection:
    """Images and labels of the first part, and of test images where there is a second."""
    given = []
    for images, labels in parts:
        values = labels.all()
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        _check(images, labels.name, values)
        given.append(values)
    numbers, classes = number_labels(np.concatenate(given))
    counts = [len(values) for values in given]
    is_test = None if len(parts) == 1 else np.arange(sum(counts)) >= counts[0]

    def read(chosen: NDArray[np.int64]) -> Iterator[Loader]:
        first = 0
        for (images, _), count in zip(parts, counts, strict=True):
            inside = chosen[(chosen >= first) & (chosen < first + count)] - first
            for row in images.iterate(inside):
                yield ready(row)
            first += count

    def name(index: int) -> str:
        part = int(index >= counts[0])
        return f"image {index - part * counts[0]} of {parts[part][0].name}"

    return Collection(numbers, classes, read, name, is_test)


def _check(images: _Rows, labels_name: str, labels: NDArray[Any]) -> None:
    why = ""
    if len(images.shape) not in {3, 4}:
        why = f"{images.name} has the shape {images.shape}, not (n, height, width[, channels])"
    elif labels.ndim != 1:
        why = f"{labels_name} has the shape {labels.shape}, not (n,)"
    elif len(labels) != images.shape[0]:
        why = f"{images.shape[0]} images, and {len(labels)} labels"
    elif labels.dtype.kind not in "iuUSb":
        why = f"labels are of type {labels.dtype}, neither whole numbers nor texts"
    if why:
        raise StageFailure(
            "bad_input",
            "these arrays are no labelled images",
            why=why,
            remedy="images have the shape (n, height, width) or (n, height, width, channels) and "
            "values from 0 to 255; there is one label an image",
        )


def _from_npy(path: Path) -> _Rows:
    try:
        with path.open("rb") as file:
            shape, dtype = _npy_head(file)
            start = file.tell()
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path.name, excerpt(error)) from error

    def reopen() -> AbstractContextManager[IO[bytes]]:
        file = path.open("rb")
        file.seek(start)
        return file

    return _Rows(path.name, shape, dtype, reopen)


def _from_archive(path: Path, key: str) -> _Rows:
    name = f"{key} in {path.name}"
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member.removesuffix(".npy") for member in archive.namelist()]
            if key not in members:
                raise StageFailure(
                    "bad_input",
                    f"{path.name} has no array {key!r}",
                    why=f"its arrays: {', '.join(members[:20])}",
                    remedy="name them: arrays: {image_key: NAME, label_key: NAME}",
                )
            with archive.open(f"{key}.npy") as file:
                shape, dtype = _npy_head(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(name, excerpt(error)) from error
    return _Rows(name, shape, dtype, lambda: _Member(path, f"{key}.npy"))


class _Member(AbstractContextManager[IO[bytes]]):
    """An array in an archive, opened at its first value."""

    def __init__(self, path: Path, member: str) -> None:
        self._archive = zipfile.ZipFile(path)
        self._file = self._archive.open(member)

    def __enter__(self) -> IO[bytes]:
        _npy_head(self._file)
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._archive.close()


def _npy_head(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format is not known")
    shape, is_fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never loaded")
    if is_fortran and len(shape) > 1:
        raise ValueError("its order is Fortran's; save it with numpy.ascontiguousarray")
    return shape, dtype


def _from_idx(path: Path) -> _Rows:
    """An IDX file: two zero bytes, a type, the number of dimensions, and their sizes."""
    try:
        with path.open("rb") as raw:
            is_gzipped = raw.read(2) == _GZIP
        with _open_idx(path, is_gzipped) as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_TYPES:
                raise _damaged(path.name, "it doesn't begin as an IDX file does")
            sizes = file.read(4 * head[3])
            shape = struct.unpack(f">{head[3]}I", sizes)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise _damaged(path.name, excerpt(error)) from error

    def reopen() -> AbstractContextManager[IO[bytes]]:
        file = _open_idx(path, is_gzipped)
        file.read(4 + 4 * len(shape))
        return file

    return _Rows(path.name, shape, np.dtype(_IDX_TYPES[head[2]]), reopen)


def _open_idx(path: Path, is_gzipped: bool) -> IO[bytes]:  # noqa: FBT001 - what the file is
    return gzip.open(path) if is_gzipped else path.open("rb")  # type: ignore[return-value]


def _damaged(name: str, why: str) -> StageFailure:
    return StageFailure(
        "bad_input",
        f"{name} can't be read",
        why=why,
        remedy="make or fetch the file anew; it may be damaged or of another kind",
    )
