"""Small file systems, and such as may only be read: for what happens when there is no room."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """A file system in memory at a folder; False where it can't be had, which takes root.

    Args:
        folder: is made if it is not there.
        options: of the mount, such as `size=64k`.
    """
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    is_there = not subprocess.run(command, capture_output=True, check=False).returncode
    try:
        yield is_there
    finally:
        if is_there:
            subprocess.run(["umount", "-l", str(folder)], check=True)
