"""Reads what came of a batch from its journal and the results that it names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.errors import ExitCode
from runner.report.summary import Outcome, Summary
from runner.store.batches import Batch
from runner.store.runs import RunStore, damage_of_result, newest_result

# A spec with one of these has had its turn.
ENDED = ("answered", "disturbed", "failed")


def sum_up(batch: Batch, events: Iterable[Mapping[str, Any]] | None = None) -> Summary:
    """The batch as its journal tells it: finished, under way, or killed.

    Args:
        events: what happened, where the journal may not have all of it.
    """
    told = _tell(batch.journal.events() if events is None else events, batch.folder.parents[1])
    return Summary(
        batch_id=batch.batch_id,
        folder=str(batch.folder),
        began=told.began,
        ended=told.ended,
        reason=told.reason,
        starts=told.starts,
        seconds=round(told.seconds, 1),
        outcomes=tuple(_outcome(spec, told) for spec in told.order or batch.specs),
    )


@dataclass
class _Told:
    began: str = ""
    ended: str = ""
    reason: str = ""
    starts: int = 0
    seconds: float = 0.0
    since: str = ""
    queue: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    begun: dict[str, str] = field(default_factory=dict)
    last: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    spent_s: dict[str, float] = field(default_factory=dict)


def _tell(events: Iterable[Mapping[str, Any]], runs: Path) -> _Told:
    """What the events amount to.

    Args:
        runs: the folder of all runs, whose journals say how far a start came that was killed.
    """
    told, latest = _Told(), ""
    for event in events:
        if event["event"] == "started":
            _close(told, latest, runs, until=event["time"])
            told.since, told.ended, told.reason = event["time"], "", ""
            told.began = told.began or event["time"]
            told.starts += 1
            told.queue = {one["spec"]: one for one in event["queue"]}
            told.order = list(told.queue)
        elif event["event"] == "spec_started":
            told.begun[event["spec"]] = event["time"]
        elif event["event"] == "spec_ended":
            spec = event["spec"]
            told.begun.pop(spec, None)
            told.last[spec] = event
            told.spent_s[spec] = told.spent_s.get(spec, 0.0) + event["seconds"]
        elif event["event"] == "ended":
            told.ended, told.reason = event["time"], event["reason"]
        latest = event["time"]
    _close(told, latest, runs)
    return told


def _close(told: _Told, latest: str, runs: Path, until: str = "") -> None:
    """Adds the time of a start; one that was killed in a spec's turn worked beyond its last note.

    Args:
        latest: when it last noted something.
        until: when the next one began; empty where there was none.
    """
    for spec, since in told.begun.items():
        if since >= told.since:
            sign = RunStore(runs, _name(spec, told)).last_time(until)
            told.spent_s[spec] = told.spent_s.get(spec, 0.0) + _between(since, sign)
            latest = max(latest, sign)
    told.seconds += _between(told.since, latest)


def _name(spec: str, told: _Told) -> str:
    """A spec's name, also where the line that told it is damaged."""
    return str(told.queue.get(spec, {}).get("name", Path(spec).stem))


def _between(since: str, until: str) -> float:
    """Seconds; 0 where a clock was set back."""
    if not since or not until:
        return 0.0
    spent = datetime.fromisoformat(until) - datetime.fromisoformat(since)
    return max(0.0, spent.total_seconds())


def _outcome(spec: str, told: _Told) -> Outcome:
    asked, event = told.queue.get(spec, {}), told.last.get(spec)
    name, question = _name(spec, told), asked.get("question", "")
    if event is None or spec in told.begun:
        status = "begun" if spec in told.begun else "waiting"
        return Outcome(spec, name, question, status, ExitCode.INTERRUPTED)
    folder = event.get("run", "")
    found = newest_result(Path(folder)) if folder else None
    damage = damage_of_result(Path(folder)) if folder and not found else None
    return Outcome(
        spec=spec,
        name=name,
        question=question,
        status=event["status"],
        exit_code=event["exit_code"],
        seconds=told.spent_s[spec],
        folder=folder,
        result=found[0] if found else None,
        error=damage.in_parts() if damage else event.get("error"),
        is_new=event.get("is_new", True),
    )
