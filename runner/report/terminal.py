"""Where pages are printed: a terminal, a pipe or a log."""

from __future__ import annotations

import os
import sys
from typing import IO, cast

from rich.console import Console

from runner.output import Lasting

_LOG_WIDTH = 80


def make_console(*, stderr: bool = False) -> Console:
    """80 columns where there is no terminal to ask, so that logs read the same everywhere."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _LOG_WIDTH
    return Console(file=cast("IO[str]", Lasting(stream)), width=width, highlight=False)
