"""Standard output, which whoever reads it may close when it has enough."""

from __future__ import annotations

import os
import sys


def write(text: str) -> None:
    """Writes to standard output, which whoever reads it may close when it has enough."""
    if not text:
        return
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
