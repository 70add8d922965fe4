"""Writes the files of a report beside its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runner.report.export import csv_table, markdown_page
from runner.report.html import html_page
from runner.store.files import write_durably
from runner.store.runs import Run

_WRITERS: Mapping[str, tuple[str, Callable[[Mapping[str, Any], Path], str]]] = {
    "html": ("report.html", html_page),
    "csv": ("report.csv", lambda result, _: csv_table(result)),
    "markdown": ("report.md", lambda result, _: markdown_page(result)),
}
FORMATS = tuple(_WRITERS)


def rendered(result: Mapping[str, Any], folder: Path, name: str) -> str:
    """A result in one of `FORMATS`.

    Args:
        folder: the run's.
    """
    _, render = _WRITERS[name]
    return render(result, folder)


def publish(result: Mapping[str, Any], run: Run) -> None:
    """Writes every file that the spec asks for.

    Raises:
        OSError: the disk is full or refuses; the result itself is written already.
    """
    for name in result["report"]["formats"]:
        file, _ = _WRITERS[name]
        write_durably(run.folder / file, rendered(result, run.folder, name))
