"""Shows work where it is done, and notes it for whoever looks from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.report.progress import Display, make_display
from runner.report.recorded import RecordedDisplay
from runner.store.activity import ActivityNote
from runner.store.journal import now


@contextmanager
def presence(
    console: Console, runs: Path, fields: Mapping[str, Any], *, verbose: bool = False
) -> Iterator[Display]:
    """A display that also keeps this process's note up to date.

    Args:
        runs: the folder of all runs, where notes are.
        fields: what `retime status` has to know of this process: `spec`, or `batch`.
        verbose: whether details are shown too.
    """
    note = ActivityNote(runs, {"since": now(), **fields})
    with note, RecordedDisplay(make_display(console, verbose=verbose), note.write) as display:
        yield display
