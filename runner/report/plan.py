"""The plan: what will run, what will not, and why; how long it takes, and what it will tell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from runner.analysis.forecast import Forecast
from runner.report.room import Room, room_sentence
from runner.units import format_bytes, format_duration, format_share

# More stages than anybody reads; the machine-readable plan has them all.
_MOST_SHOWN = 200


@dataclass(frozen=True)
class StageOutlook:
    """One stage as the plan shows it.

    Attributes:
        label: what it makes.
        inputs: the keys of the stages that it needs.
        variants: how many need it.
        cached: there is an artifact.
        reason: `made 2026-01-31 ...`, or what differs from the nearest artifact.
        seconds: what a similar stage took; None if none was seen, and for a cached one.
        bytes: the size of what a similar stage made; None as for `seconds`.
        note: what was decided about how it is done; empty where there was no choice.
    """

    key: str
    kind: str
    label: str
    inputs: tuple[str, ...]
    variants: int
    cached: bool
    reason: str
    seconds: float | None
    bytes: int | None
    note: str = ""


@dataclass(frozen=True)
class TimingOutlook:
    """The experiment as the plan shows it.

    Attributes:
        run_id: the run that would go on; empty for a new one.
        blocks_done: by that run.
        is_finished: whether its result would be shown and nothing be timed.
    """

    forecast: Forecast
    run_id: str
    blocks_done: int
    is_finished: bool
    max_time_s: float


@dataclass(frozen=True)
class Outlook:
    """What a bench would do.

    Attributes:
        variants: how many are built and timed.
        aliases: other name -> the variant with the same content.
        refusals: what this version can't carry out; a bench would end with it.
        rooms: what would be written, for each file system.
    """

    name: str
    question: str
    variants: int
    aliases: Mapping[str, str]
    stages: tuple[StageOutlook, ...]
    timing: TimingOutlook
    refusals: tuple[str, ...] = ()
    rooms: tuple[Room, ...] = ()

    @property
    def to_run(self) -> list[StageOutlook]:
        """The stages that are not there yet."""
        return [stage for stage in self.stages if not stage.cached]

    def as_record(self) -> dict[str, Any]:
        """The plan as JSON."""
        seconds, bytes_ = self.estimates()
        return {
            "name": self.name,
            "question": self.question,
            "variants": self.variants,
            "same_content": dict(self.aliases),
            "refused": list(self.refusals),
            "stages": [vars(stage) for stage in self.stages],
            "to_run": len(self.to_run),
            "estimated_seconds": seconds,
            "estimated_bytes": bytes_,
            "room": [room.as_record() for room in self.rooms],
            "timing": asdict(self.timing) | {"forecast": self.timing.forecast.as_record()},
        }

    def as_json(self) -> str:
        """The plan as JSON text, a stage a line: there may be ten thousands of them."""
        parts = [f" {json.dumps(name)}: {_lines(one)}" for name, one in self.as_record().items()]
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def estimates(self) -> tuple[float | None, int | None]:
        """Seconds and bytes of all that will run; None where no stage like one of them was seen."""
        seconds = [stage.seconds for stage in self.to_run]
        sizes = [stage.bytes for stage in self.to_run]
        return _sum(seconds), _sum(sizes)


def _lines(value: Any) -> str:
    """A value as JSON on one line, or with a line for each of several mappings."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    return json.dumps(value)


def print_plan(console: Console, outlook: Outlook) -> None:
    """Prints a plan: a tree of stages, and sentences on cost and on what the timing will tell."""
    console.print(_tree(outlook))
    console.print()
    for sentence in [*_alias_sentences(outlook.aliases), *stage_sentences(outlook)]:
        console.print(Text(sentence))
    console.print()
    for sentence in timing_sentences(outlook.timing):
        console.print(Text(sentence))
    for room in outlook.rooms:
        if room.need_bytes:
            console.print(Text(room_sentence(room), style="" if room.is_enough else "bold red"))
    for refusal in outlook.refusals:
        console.print(Text(f"This version can't carry out {refusal}.", style="bold red"))


def stage_sentences(outlook: Outlook) -> list[str]:
    """How many stages will run, for how long, and how much room they take."""
    to_run = outlook.to_run
    if not to_run:
        return [f"All {len(outlook.stages)} stages are cached."]
    known = [stage for stage in to_run if stage.seconds is not None]
    cost = ""
    if known:
        seconds, size = (
            sum(one.seconds or 0.0 for one in known),
            sum(one.bytes or 0 for one in known),
        )
        cost = f": about {format_duration(seconds)} of work and {format_bytes(size)} of disk"
        if len(known) < len(to_run):
            cost += f" for {len(known)} of them; the others are the first of their kind"
    else:
        cost = "; how long that takes is not known, since nothing like it was made here before"
    return [f"{len(to_run)} of {len(outlook.stages)} stages will run{cost}."]


def timing_sentences(timing: TimingOutlook) -> list[str]:
    """What will be timed, for how long, and what it can be expected to tell."""
    forecast = timing.forecast
    if timing.is_finished:
        return [f"Run {timing.run_id} has timed this in {timing.blocks_done} blocks; --fresh anew."]
    variants = forecast.arms - 2
    begin = f"Timing goes on after block {timing.blocks_done} of run {timing.run_id}: " * bool(
        timing.run_id
    )
    what = (
        f"{begin or 'Timing: '}{forecast.arms} processes a block ({variants} variants and 2"
        f" controls), about {format_duration(forecast.experience.process_s)} each;"
        f" {format_duration(timing.max_time_s)} hold {forecast.blocks} blocks."
    )
    expected = f"About {forecast.processes} processes in {format_duration(forecast.seconds)}."
    return [what, expected, _power_sentence(forecast)]


def _power_sentence(forecast: Forecast) -> str:
    experience = forecast.experience
    spread = format_share(experience.spread)
    basis = (
        f"At the spread of {spread} that run {experience.source} saw in {experience.blocks} blocks"
        if experience.source
        else f"At a spread of {spread} between blocks, which is assumed until something is timed"
    )
    if forecast.blocks < 2:
        return f"{basis}, that is too little time to tell anything; raise measure.max_time."
    found = (
        f"{basis}, a change of {format_share(forecast.smallest_effect)} is found with"
        f" {format_share(forecast.power)} probability"
    )
    asked = format_share(forecast.effect)
    if forecast.is_enough:
        return f"{found}: enough for the {asked} that you ask for."
    if forecast.wanted_s <= forecast.seconds:
        # Asked for more power than the precision at which an experiment ends gives.
        return (
            f"{found}: too little for the {asked} that you ask for, though it runs until it is as"
            " precise as that asks; with a smaller measure.effect it goes on for longer."
        )
    wanted = format_duration(forecast.wanted_s)
    return f"{found}: too little for the {asked} that you ask for, which takes about {wanted}."


def _alias_sentences(aliases: Mapping[str, str]) -> list[str]:
    return [
        f"{name} has the same content as {real}: one variant with two names."
        for name, real in aliases.items()
    ]


def _tree(outlook: Outlook) -> Tree:
    tree = Tree(Text(outlook.name, style="bold"), guide_style="dim")
    children: dict[str, list[StageOutlook]] = {}
    for stage in outlook.stages:
        children.setdefault(_parent(stage), []).append(stage)
    shown = _grow(tree, children, "", _MOST_SHOWN)
    hidden = len(outlook.stages) - (_MOST_SHOWN - shown)
    if hidden:
        tree.add(Text(f"... and {hidden} more stages; --format json lists all", style="dim"))
    return tree


def _grow(tree: Tree, children: Mapping[str, Sequence[StageOutlook]], key: str, room: int) -> int:
    """Adds the stages that come of one to its branch; returns how many more have room."""
    for stage in children.get(key, ()):
        if room <= 0:
            break
        room = _grow(tree.add(_line(stage)), children, stage.key, room - 1)
    return room


def _parent(stage: StageOutlook) -> str:
    """The stage in whose branch this one stands: the last of those that it is made of."""
    return stage.inputs[0] if stage.inputs else ""


def _line(stage: StageOutlook) -> Text:
    text = Text.assemble((stage.kind, "bold"), f" {stage.label}: ")
    if stage.cached:
        return text.append("cached", style="dim").append(f", {stage.reason}", style="dim")
    text.append("will run", style="green").append(f" because {_because(stage.reason)}")
    if stage.seconds is not None:
        text.append(f"; about {format_duration(stage.seconds)}", style="dim")
    if stage.note:
        text.append(f"; {stage.note}", style="dim")
    return text


def _because(reason: str) -> str:
    changed = reason.removeprefix("changed: ")
    return f"of a change: {changed}" if changed != reason else reason


def _sum(values: Iterable[Any]) -> Any:
    known = list(values)
    return None if any(value is None for value in known) else sum(known)
