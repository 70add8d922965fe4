"""Where pages are printed: a terminal, a pipe or a log."""

from __future__ import annotations

import os
import sys

from rich.console import Console

_LOG_WIDTH = 80


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read the output has enough of it; the work goes on."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def make_console(*, stderr: bool = False) -> Console:
    """80 columns where there is no terminal to ask, so that logs read the same everywhere."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _LOG_WIDTH
    return _Console(stderr=stderr, width=width, highlight=False)
