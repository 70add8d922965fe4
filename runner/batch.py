"""A batch in one page: put specs in order, answer one after the other, sum up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.errors import ArgumentError, ExitCode, InterruptedRunError, OutOfTimeError, RetimeError
from runner.interrupts import heard
from runner.pipeline import Places, answer, exit_code, foresee_bench
from runner.report.plan import Outlook
from runner.report.progress import Display
from runner.report.queue import Turn, print_queue, troubles
from runner.report.room import Room
from runner.report.summary import Summary, as_markdown, print_summary
from runner.spec.model import Spec
from runner.steps.afterwards import run_last
from runner.steps.deadline import Deadline, deadline_in
from runner.steps.noting import Notes
from runner.steps.presence import presence
from runner.steps.queueing import make_queue
from runner.steps.retrying import Failures
from runner.steps.room import sum_rooms
from runner.steps.summing import ENDED, sum_up
from runner.store.batches import Batch, BatchStore, batch_key, read_batch
from runner.store.locks import folder_lock
from runner.timing.host import describe_host
from runner.unforeseen import explain

# How the timing of a spec ended -> what that makes of its turn; an answer, where not among these.
_STATUSES = {"deadline": "unfinished", "disturbed": "disturbed"}


@dataclass(frozen=True)
class Wishes:
    """How a batch is to be run.

    Attributes:
        command: what was called; called again, it goes on.
        settings: what was set in every spec.
        max_time_s: in all; None for as long as it takes.
        verbose: as for `pipeline.bench`.
        last_command: for a shell, when all is done; it gets the summary on standard input.
    """

    command: str
    settings: Sequence[str] = ()
    max_time_s: float | None = None
    last_command: str = ""
    verbose: bool = False


def run_batch(specs: Sequence[Spec], places: Places, console: Console, wishes: Wishes) -> ExitCode:
    """Answers every spec, or goes on where the same batch stopped.

    Raises:
        InterruptedRunError: somebody asked for an end; everything finished is kept.
    """
    deadline = deadline_in(wishes.max_time_s)
    key = batch_key([spec.path for spec in specs], wishes.settings)
    store = BatchStore(places.runs)
    fields = {"batch": key, "max_time_s": wishes.max_time_s}
    try:
        with (
            presence(console, places.runs, fields, verbose=wishes.verbose) as display,
            folder_lock(
                store.lock_folder(key),
                lambda owner: display.say(f"Waiting: {owner} works on this batch."),
                deadline.wait_s,
                on_lockless=display.say,
            ),
        ):
            batch = _begin(store, key, specs)
            notes = Notes(batch, display.say)
            summary = _Work(batch, notes, places, display, wishes.command, deadline).do(specs)
    except KeyboardInterrupt:
        heard()
        raise _interrupted(wishes.command) from None
    print_summary(console, summary)
    if wishes.last_command and (said := run_last(wishes.last_command, summary, batch)):
        console.print(f"The command at the end {said}: {wishes.last_command}", markup=False)
    return summary.exit_code


def foresee_batch(specs: Sequence[Spec], places: Places, console: Console, wishes: Wishes) -> None:
    """Prints in which order a batch would work, for how long, and what would fail; runs nothing."""
    queue = _queue(specs, places)
    print_queue(console, queue, wishes.max_time_s, _rooms(queue, places))


def find_summary(places: Places, folder: Path | None) -> Summary:
    """What came of a batch, of the newest one where no folder is named.

    Raises:
        ArgumentError: there is none.
    """
    store = BatchStore(places.runs)
    batch = read_batch(folder) if folder else store.latest()
    if batch is None:
        raise ArgumentError(
            "there is no batch",
            where=str(folder or store.folder),
            remedy="run one: retime batch SPEC...; or name its folder",
        )
    return sum_up(batch)


def _queue(
    specs: Sequence[Spec], places: Places, reading: Callable[[Spec], None] = lambda _: None
) -> list[Turn]:
    """The turns in their order.

    Args:
        reading: told of each spec before what it names is read.
    """

    def look(spec: Spec) -> Outlook:
        reading(spec)
        return foresee_bench(spec, places)

    return make_queue(specs, look, places.cache.parent / "bug.log")


def _rooms(queue: Sequence[Turn], places: Places) -> tuple[Room, ...]:
    outlooks = [turn.outlook for turn in queue if turn.outlook is not None]
    return sum_rooms([outlook.rooms for outlook in outlooks], (places.cache, places.runs))


def _begin(store: BatchStore, key: str, specs: Sequence[Spec]) -> Batch:
    """The batch of these specs that did not come to its end, or a new one."""
    latest = store.latest(key)
    if latest is not None and not latest.is_over:
        return latest
    return store.create(key, [_place(spec) for spec in specs])


def _place(spec: Spec) -> str:
    """What a spec is known by in a batch, from wherever and however its file is named."""
    return str(spec.path.resolve())


@dataclass(frozen=True)
class _Work:
    """One start of a batch.

    Attributes:
        failures: what failed for good since then, so that no other spec tries it again.
    """

    batch: Batch
    notes: Notes
    places: Places
    display: Display
    command: str
    deadline: Deadline
    failures: Failures = field(default_factory=Failures)

    def do(self, specs: Sequence[Spec]) -> Summary:
        """Takes all open turns and sums up, also where somebody asks for an end meanwhile."""
        batch = self.batch
        try:
            queue = self._look_ahead(specs)
            self.notes.add("started", host=describe_host(), queue=_estimates(queue))
            self.display.say(f"Batch {batch.batch_id}: {len(queue)} specs")
            for trouble in troubles(queue, _rooms(queue, self.places)):
                self.display.say(trouble)
            for turn in self._open(queue):
                self._take(turn)
        except (InterruptedRunError, KeyboardInterrupt):
            heard()
            self._end("interrupted")
            raise _interrupted(self.command, str(batch.folder)) from None
        outcomes = sum_up(batch, self.notes.events).outcomes
        statuses = {outcome.status for outcome in outcomes}
        return self._end("done" if statuses <= set(ENDED) else "time")

    def _look_ahead(self, specs: Sequence[Spec]) -> list[Turn]:
        """The queue. It takes minutes where specs name large folders of images."""
        task, done = self.display.task("reading what specs name"), count()
        queue = _queue(
            specs, self.places, lambda spec: task.update(next(done), len(specs), spec.name)
        )
        task.end(f"{len(specs)} specs")
        return queue

    def _open(self, queue: Sequence[Turn]) -> list[Turn]:
        """Whoever's turn was not taken yet, in this batch and with this content.

        What the machine lacked, such as room or a library, it may have by now.
        """
        ended = {
            (event["spec"], event["sha256"])
            for event in self.notes.events
            if event["event"] == "spec_ended"
            and event["status"] in ENDED
            and event["exit_code"] != ExitCode.UNUSABLE_ENVIRONMENT
        }
        return [turn for turn in queue if (_place(turn.spec), turn.spec.sha256) not in ended]

    def _take(self, turn: Turn) -> None:
        """Answers one spec, and notes what came of it; the next one's turn comes in any case."""
        spec, started = turn.spec, time.monotonic()
        about = {"spec": _place(spec), "sha256": spec.sha256, "name": spec.name}

        def note(status: str, code: ExitCode, **fields: Any) -> None:
            seconds = round(time.monotonic() - started, 1)
            self.notes.add(
                "spec_ended", **about, status=status, exit_code=int(code), seconds=seconds, **fields
            )

        try:
            self.notes.add("spec_started", **about)
            self.deadline.check()
            found = answer(
                spec,
                self.places,
                self.display,
                command=self.command,
                deadline=self.deadline,
                failures=self.failures,
            )
        except (InterruptedRunError, KeyboardInterrupt):
            heard()
            note("interrupted", ExitCode.INTERRUPTED)
            raise
        except OutOfTimeError as error:
            note("unfinished", error.exit_code, error=error.in_parts())
        except Exception as error:
            log = self.batch.folder / f"{spec.name}.bug.log"
            told = error if isinstance(error, RetimeError) else explain(error, log)
            note("failed", told.exit_code, error=told.in_parts())
            self.display.say(f"{spec.name}: failed: {told.what}")
        else:
            code = exit_code(found.result)
            status = _STATUSES.get(found.result["blocks"]["stopped"], "answered")
            note(status, code, run=str(found.folder.absolute()), is_new=found.is_new)

    def _end(self, reason: str) -> Summary:
        """Sums up; what the disk does not take is in the summary that is returned."""
        self.notes.add("ended", reason=reason)
        summary = sum_up(self.batch, self.notes.events)
        self.notes.keep("summary.md", as_markdown(summary))
        self.notes.keep("summary.json", summary.as_json())
        return replace(summary, trouble=self.notes.trouble)


def _interrupted(command: str, where: str = "") -> InterruptedRunError:
    return InterruptedRunError(
        "interrupted; everything finished is kept",
        where=where,
        remedy=f"the same command goes on where it stopped: {command}",
    )


def _estimates(queue: Sequence[Turn]) -> list[dict[str, Any]]:
    return [
        {
            "spec": _place(turn.spec),
            "name": turn.spec.name,
            "question": turn.spec.question,
            "seconds": round(turn.seconds, 1),
            "sustained_s": round(turn.sustained_s, 1),
            "is_certain": turn.is_certain,
        }
        for turn in queue
    ]
