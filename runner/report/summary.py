"""What came of a batch, in sentences: for the morning after, a mailer, or a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runner.errors import ExitCode
from runner.report.result import Result
from runner.report.wording import expectation_sentence, headline, short_names, verdict_sentence
from runner.units import format_duration

_STYLES = {
    "answered": "green",
    "failed": "bold red",
    "disturbed": "yellow",
    "unfinished": "yellow",
    "interrupted": "yellow",
    "begun": "yellow",
    "waiting": "dim",
}
# Which exit code stands for all: the first of these that any spec has.
_GRAVEST = (
    ExitCode.INTERRUPTED,
    ExitCode.UNUSABLE_ENVIRONMENT,
    ExitCode.BAD_INPUT,
    ExitCode.VARIANTS_FAILED,
    ExitCode.EXPECTATION_FAILED,
)


@dataclass(frozen=True)
class Outcome:
    """What came of one spec.

    Attributes:
        spec: the file.
        status: `answered`, `disturbed` (the machine was never quiet), `failed`, `unfinished` (the
            time was up), `interrupted`, `begun` (and neither ended nor interrupted: at work, or
            killed at it) or `waiting`.
        exit_code: what its bench ended with, or would have.
        seconds: that it took, over all starts of the batch.
        folder: of its run; empty where there is none.
        result: as `result.json` holds it; None where there is none.
        error: `what`, `why`, `remedy`, `where`, and `log` where there is one; None where nothing
            failed as a whole.
        is_new: whether anything was done; else the result stood already.
    """

    spec: str
    name: str
    question: str
    status: str
    exit_code: int
    seconds: float = 0.0
    folder: str = ""
    result: Result | None = None
    error: Mapping[str, str] | None = None
    is_new: bool = True


@dataclass(frozen=True)
class Summary:
    """A batch as it stands.

    Attributes:
        began: when, in ISO 8601, UTC.
        ended: when it last did; empty while it runs, or after it was killed.
        reason: why it ended: `done`, `time` or `interrupted`; empty as for `ended`.
        starts: how often it was started.
        seconds: that it worked, over all starts.
        trouble: why the batch's own files do not hold all of this; empty where they do.
    """

    batch_id: str
    folder: str
    began: str
    ended: str
    reason: str
    starts: int
    seconds: float
    outcomes: tuple[Outcome, ...]
    trouble: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """What the batch amounts to: that of the spec which ended worst, or of its own files."""
        codes = {outcome.exit_code for outcome in self.outcomes}
        codes |= {ExitCode.UNUSABLE_ENVIRONMENT} if self.trouble else set()
        return next((code for code in _GRAVEST if code in codes), ExitCode.DONE)

    def as_json(self) -> str:
        """The summary for machines; results stay where they are."""
        record = asdict(self) | {"exit_code": int(self.exit_code)}
        for outcome in record["outcomes"]:
            result = outcome.pop("result")
            outcome["answer"] = headline(result) if result else None
        return json.dumps(record, indent=1) + "\n"


def headline_of(summary: Summary) -> str:
    """Counts and time: `3 of 4 questions answered, 1 failed, in 6 h 12 min`."""
    total = len(summary.outcomes)
    words = [f"{_count(summary, 'answered')} of {total} question{'s' * (total != 1)} answered"]
    counts = {one: _count(summary, one) for one in _STYLES if one != "answered"}
    words += [f"{count} {status}" for status, count in counts.items() if count]
    text = f"{', '.join(words)}, in {format_duration(summary.seconds)}"
    if summary.starts > 1:
        text += f" and {summary.starts} starts"
    return f"{text}."


def print_summary(console: Console, summary: Summary) -> None:
    """Prints it: the answers first, then what is to be done."""
    console.print()
    console.print(Text(f"Batch {summary.batch_id}", style="bold"))
    console.print(Text(headline_of(summary)))
    for outcome in summary.outcomes:
        console.print()
        style = _STYLES[outcome.status]
        console.print(Text.assemble((title_of(outcome), "bold"), "  ", (outcome.status, style)))
        for line in lines_of(outcome):
            console.print(Padding(Text(line), (0, 0, 0, 2)))
    if steps := list(next_steps(summary)):
        console.print()
        console.print(Text("What to do next", style="bold"))
        for step in steps:
            console.print(Padding(Text(f"- {step}"), (0, 0, 0, 2)))
    if not summary.trouble:
        console.print()
        console.print(Text(f"{summary.folder}/summary.md has this as a file.", style="dim"))


def as_markdown(summary: Summary) -> str:
    """The same as a file, which a mailer takes as it is."""
    lines = [f"# Batch {summary.batch_id}", "", headline_of(summary)]
    for outcome in summary.outcomes:
        lines += ["", f"## {title_of(outcome)}", "", f"*{outcome.status}*", ""]
        lines += [f"- {line}" for line in lines_of(outcome)]
    if steps := list(next_steps(summary)):
        lines += ["", "## What to do next", "", *(f"- {step}" for step in steps)]
    return "\n".join(lines) + "\n"


def title_of(outcome: Outcome) -> str:
    """The question; the name where none was asked."""
    return outcome.question or outcome.name


def lines_of(outcome: Outcome) -> Iterator[str]:
    """The answer, what failed, and what was done again."""
    result = outcome.result
    if result is not None:
        yield headline(result)
        yield from _failures(result)
        yield from map(expectation_sentence, result["expectations"])
        yield from _redone(result)
        if count := len(result["warnings"]):
            yield f"{count} warning{'s' * (count != 1)}; the report has them"
    if outcome.error is not None:
        yield ": ".join(filter(None, (outcome.error["where"], outcome.error["what"])))
        if outcome.error["why"]:
            yield f"why: {outcome.error['why']}"
        if log := outcome.error.get("log"):
            yield f"log: {log}"
    if outcome.status == "waiting":
        yield "its turn did not come yet"
    elif outcome.status == "begun":
        yield "at work, or killed at it; everything finished is kept"
    elif outcome.status == "answered":
        took = format_duration(outcome.seconds)
        yield f"took {took}" if outcome.is_new else "stood already; nothing was done"
    yield f"spec: {outcome.spec}"
    if outcome.folder:
        yield f"report: {outcome.folder}"


def next_steps(summary: Summary) -> Iterator[str]:
    """What somebody who reads this in the morning can do about it."""
    for outcome in summary.outcomes:
        name = outcome.name
        if outcome.error is not None and outcome.error["remedy"]:
            yield f"{name}: {outcome.error['remedy']}"
        if outcome.result is not None:
            yield from (f"{name}: {step}" for step in _steps_of(outcome.result))
    if summary.trouble:
        yield f"this summary is in no file ({summary.trouble}): run the same command when it can be"
    if any(
        outcome.status not in {"answered", "disturbed", "failed"} for outcome in summary.outcomes
    ):
        yield "the same command goes on with what was not finished"


def _steps_of(result: Result) -> Iterator[str]:
    names = short_names(result)
    for variant in result["variants"]:
        if variant["error"]:
            yield f"{names[variant['name']]}: {variant['error']['remedy']}"
    for comparison in result["comparisons"]:
        if comparison["verdict"] == "inconclusive":
            yield f"{verdict_sentence(comparison, result)}; raise measure.max_time"
    yield from (one["remedy"] for one in result["warnings"] if one["kind"] == "never-quiet")
    if result["comparisons"] and not result["proven"]:
        yield "unproven: make the machine quieter (retime doctor says how) and measure --fresh"


def _failures(result: Result) -> Iterator[str]:
    names = short_names(result)
    for variant in result["variants"]:
        if error := variant["error"]:
            yield f"{names[variant['name']]}: failed in {error['stage']}: {error['message']}"
            if log := error.get("log"):
                yield f"log: {log}"


def _redone(result: Result) -> Iterator[str]:
    blocks = result["blocks"]
    if blocks["redone"]:
        reasons = ", ".join(f"{count} for {why}" for why, count in blocks["reasons"].items())
        yield f"{blocks['redone']} of {blocks['redone'] + blocks['done']} blocks redone: {reasons}"
    for one in result["repaired"]:
        files = ", ".join(one["files"])
        yield f"{one['stage']} {one['label']}: damaged on the disk ({files}), made again"
    # A result of before that was noted has none.
    for one in result.get("retried", ()):
        reason = one["reason"].partition("\n")[0]
        yield f"{one['stage']} {one['label']}: tried {one['count'] + 1} times, since {reason}"


def _count(summary: Summary, status: str) -> int:
    return sum(outcome.status == status for outcome in summary.outcomes)
