"""The parts that pages on a terminal are made of."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Columns below which a table would lose its figures.
NARROWEST_TABLE = 64


def plain_table() -> Table:
    """A table with a line below its head and no other."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)


def section(console: Console, title: str) -> None:
    """Begins a part of a page."""
    console.print()
    console.print(Text(title, style="bold"))


def item(console: Console, text: str, style: str, mark: str) -> None:
    """One point of a list, folded beside its mark."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"  {mark}", style=style), Text(text))
    console.print(grid)
