"""The plan as a table of stages: what will run, what will not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.units import format_duration


@dataclass(frozen=True)
class StageOutlook:
    """One stage as the plan shows it.

    Attributes:
        label: what it makes.
        cached: there is an artifact.
        reason: `made 2026-01-31 ...`, or what differs from the nearest artifact.
        seconds: what it took or what a stage of its kind took before; None if never seen.
    """

    kind: str
    label: str
    cached: bool
    reason: str
    seconds: float | None


def print_plan(console: Console, name: str, stages: Sequence[StageOutlook], timing: str) -> None:
    """Prints a plan.

    Args:
        timing: a sentence on the experiment that follows the stages.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("stage", no_wrap=True)
    table.add_column("of", overflow="fold")
    table.add_column("will", no_wrap=True)
    table.add_column("because", overflow="fold")
    for stage in stages:
        will = Text("be skipped", style="dim") if stage.cached else Text("run", style="bold green")
        table.add_row(Text(stage.kind), Text(stage.label), will, Text(stage.reason))
    console.print(Text(name, style="bold"))
    console.print()
    console.print(table)
    console.print()
    to_run = [stage for stage in stages if not stage.cached]
    known = [stage.seconds for stage in to_run if stage.seconds is not None]
    foreseeable = bool(known) and len(known) == len(to_run)
    estimate = f", about {format_duration(sum(known))}" if foreseeable else ""
    console.print(Text(f"{len(to_run)} of {len(stages)} stages will run{estimate}."))
    console.print(Text(timing))
