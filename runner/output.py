"""Outputs that may fail: closed by whoever reads, on a full disk, of a terminal that is gone.

The work goes on, and what it still says is for nobody.
"""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


class Lasting:
    """A stream that a failure turns into the null device; else it is as it was."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes, or throws away; how many characters were given."""
        try:
            self._stream.write(text)
        except OSError:
            self._give_up()
        return len(text)

    def flush(self) -> None:
        """Passes on what was written, or throws it away."""
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's."""
        return getattr(self._stream, name)

    def _give_up(self) -> None:
        """What the stream still holds goes there too, so that Python can end in peace."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


def write(text: str) -> None:
    """Writes to standard output, which whoever reads it may close when it has enough."""
    if not text:
        return
    output = Lasting(sys.stdout)
    output.write(text if text.endswith("\n") else f"{text}\n")
    output.flush()
