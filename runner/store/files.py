"""Files that survive a power cut: written whole, synced, renamed into place."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path


def write_durably(path: Path, content: str | bytes) -> None:
    """Replaces a file by a rename, so that a reader sees the old content or the new one.

    What a process that died left of an earlier attempt is removed.

    Raises:
        OSError: the disk is full or refuses; the old content stands.
    """
    _remove_drafts(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def append_durably(descriptor: int, end: int, data: bytes) -> None:
    """Writes data at `end`, cuts off what stood behind, and returns when it is on the disk.

    Raises:
        OSError: the disk is full or refuses; the file ends at `end` then.
    """
    os.ftruncate(descriptor, end)
    os.lseek(descriptor, end, os.SEEK_SET)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, durably; it may be there."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Makes all that is in a folder durable: its files, and the folders that name them."""
    for path, _, names in os.walk(folder):
        for name in names:
            with Path(path, name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(path))


def _remove_drafts(path: Path) -> None:
    for draft in path.parent.glob(f".{path.name}.*"):
        owner = draft.suffix.removeprefix(".")
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                draft.unlink()


def nearest_existing(folder: Path) -> Path:
    """A folder, or the first one above it that is there."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return existing


def free_bytes(folder: Path) -> int:
    """What this user may still write where a folder lies or would lie; quotas are not seen."""
    return shutil.disk_usage(nearest_existing(folder)).free
