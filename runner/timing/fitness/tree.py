"""Files in which a kernel tells about its machine, read below a root that tests can replace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CPUS = "sys/devices/system/cpu"


@dataclass(frozen=True)
class Tree:
    """`/proc` and `/sys` of a machine.

    Attributes:
        root: the folder that holds `proc` and `sys`; `/` on a real machine.
    """

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """A file's content without the white space around it; None where it can't be read.

        Args:
            path: below the root, such as `proc/loadavg`.
        """
        try:
            return (self.root / path).read_text("utf-8", errors="replace").strip()
        except OSError:
            return None

    def integer(self, path: str, base: int = 10) -> int | None:
        """A file's content as a number; None where it has none."""
        text = self.text(path)
        try:
            return int(text, base) if text else None
        except ValueError:
            return None

    def paths(self, pattern: str) -> list[str]:
        """Existing paths of a pattern, below the root, in order."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def texts(self, pattern: str) -> Iterator[str]:
        """The contents of the files of a pattern, in order of their paths."""
        for path in self.paths(pattern):
            if text := self.text(path):
                yield text

    def integers(self, pattern: str) -> Iterator[int]:
        """The contents of the files of a pattern that hold numbers."""
        for path in self.paths(pattern):
            if (number := self.integer(path)) is not None:
                yield number
