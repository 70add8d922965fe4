"""What a batch would do, as a table: the order, the work, the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runner.errors import RetimeError
from runner.report.layout import NARROWEST_TABLE, plain_table
from runner.report.plan import Outlook
from runner.report.room import Room, room_sentence
from runner.spec.model import Spec
from runner.units import format_duration


@dataclass(frozen=True)
class Turn:
    """One spec's place in a batch.

    Attributes:
        outlook: what a bench would do; None where that can't be told, such as without a library.
        stages: how many will run for it that no earlier turn makes.
        shared: how many that an earlier turn makes it will find.
        unknown: how many of its stages are the first of their kind, so that nobody knows how long
            they take.
        build_s: seconds of its other stages, added up.
        timing_s: seconds of timing.
        error: why there is no outlook; None where there is one.
    """

    spec: Spec
    outlook: Outlook | None
    stages: int = 0
    shared: int = 0
    unknown: int = 0
    build_s: float = 0.0
    timing_s: float = 0.0
    error: RetimeError | None = None

    @property
    def seconds(self) -> float:
        """What is known of how long it takes."""
        return self.build_s + self.timing_s

    @property
    def sustained_s(self) -> float:
        """How much of it is sustained load, after the blocks."""
        return self.outlook.timing.forecast.sustained_s if self.outlook and self.timing_s else 0.0

    @property
    def is_certain(self) -> bool:
        """Whether nothing of it is the first of its kind."""
        return self.outlook is not None and not self.unknown


def print_queue(
    console: Console, queue: Sequence[Turn], max_time_s: float | None, rooms: Sequence[Room] = ()
) -> None:
    """Prints the turns, and whether they fit in the time allowed and on the disk.

    Args:
        rooms: what all of them together would write.
    """
    rows = list(_rows(queue))
    if console.width < NARROWEST_TABLE:
        for name, stages, shared, building, timing, end in rows:
            console.print(Text(name, style="bold"))
            work = f"{stages} stages, {shared} shared, building {building}, timing {timing}"
            console.print(Padding(Text(f"{work}; ends after {end}"), (0, 0, 0, 2)))
    else:
        table = plain_table()
        table.add_column("spec", overflow="fold")
        for title in ("stages", "shared", "building", "timing", "ends after"):
            table.add_column(title, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for sentence in _sentences(queue, max_time_s):
        console.print(Text(sentence))
    for room in rooms:
        if room.is_enough and room.need_bytes:
            console.print(Text(room_sentence(room)))
    for trouble in troubles(queue, rooms):
        console.print(Text(trouble, style="bold red"))


def troubles(queue: Sequence[Turn], rooms: Sequence[Room]) -> Iterator[str]:
    """What is known to go wrong, in time for whoever starts a batch to mend it.

    Args:
        rooms: as for `print_queue`.
    """
    for turn in queue:
        if turn.error is not None:
            where = f"{turn.error.where}: " if turn.error.where else ""
            why = f" ({turn.error.why})" if turn.error.why else ""
            yield f"{turn.spec.name} will fail: {where}{turn.error.what}{why}; {turn.error.remedy}"
        elif turn.outlook is not None and turn.outlook.refusals:
            asked = ", ".join(turn.outlook.refusals)
            yield f"{turn.spec.name} will fail: this version can't carry out {asked}"
        for room in turn.outlook.rooms if turn.outlook else ():
            if not room.is_enough:
                yield f"{turn.spec.name} will fail. {room_sentence(room)}"
    for room in rooms:
        if not room.is_enough:
            yield (
                f"{room_sentence(room)} That is for all specs together: the first ones are "
                "answered, and those for which there is no room then will fail."
            )


def _rows(queue: Sequence[Turn]) -> Iterator[tuple[str, ...]]:
    passed_s, certain = 0.0, True
    for turn in queue:
        passed_s += turn.seconds
        certain = certain and turn.is_certain
        priority = f" (priority {turn.spec.priority})" * bool(turn.spec.priority)
        ends = _about(passed_s, certain=certain)
        name = f"{turn.spec.name}{priority}"
        if turn.outlook is None:
            yield (name, "?", "?", "unknown", "unknown", ends)
            continue
        yield (
            name,
            str(turn.stages),
            str(turn.shared),
            _about(turn.build_s, certain=turn.is_certain),
            format_duration(turn.timing_s) if turn.timing_s else "stands",
            ends,
        )


def _sentences(queue: Sequence[Turn], max_time_s: float | None) -> Iterator[str]:
    total_s = sum(turn.seconds for turn in queue)
    certain = all(turn.is_certain for turn in queue)
    yield f"In all {'' if certain else 'more than '}{format_duration(total_s)}; nothing was run."
    if any(turn.unknown for turn in queue):
        yield "How much more nobody knows: some stages are the first of their kind."
    if max_time_s is not None and total_s > max_time_s:
        passed_s, late = 0.0, []
        for turn in queue:
            passed_s += turn.seconds
            late += [turn.spec.name] * (passed_s > max_time_s)
        yield (
            f"That is more than the {format_duration(max_time_s)} allowed: {', '.join(late)} will"
            " be left unfinished; the same command goes on with them."
        )


def _about(seconds: float, *, certain: bool) -> str:
    if not seconds:
        return "0 s" if certain else "unknown"
    return format_duration(seconds) if certain else f"> {format_duration(seconds)}"
