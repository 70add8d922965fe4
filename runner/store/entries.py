"""A run in a few lines, read from its folder: what a list of runs shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from runner.store.journal import Journal
from runner.store.runs import was_cut_short

_UNFINISHED = "unfinished"
_FORMAT = 1


@dataclass(frozen=True)
class VariantEntry:
    """One variant of a run.

    Attributes:
        status: `done`, `failed` or `interrupted`; `planned` in a run without a result.
        verdict: None for the baseline, and for what was not compared.
        ratio: of latencies, to the baseline.
        low: the lower end of the ratio's interval.
        high: the upper one.
    """

    name: str
    status: str
    verdict: str | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes:
        run: `name/run-id`, its folder below that of all runs.
        stamp: tells the result that this was read from, from a later one.
        status: `done`, `broken` (a promise does not hold for certain), `failed`, `disturbed`,
            `unfinished` (no result yet, or one of what the time allowed in all was enough for) or
            `damaged` (a result that can't be read).
        started_s: seconds since 1970, UTC.
        finished_s: the same; None without a result.
        proven: whether both controls passed; None without a result.
        blocks: that count.
        promises: how many the spec makes.
        kept: how many of them hold for certain.
    """

    run: str
    stamp: str
    name: str
    question: str
    status: str
    started_s: float | None
    finished_s: float | None
    host: str | None
    cpu: str | None
    spec_sha256: str | None
    proven: bool | None
    blocks: int | None
    promises: int
    kept: int
    variants: tuple[VariantEntry, ...]


def run_stamps(runs: Path) -> dict[str, str]:
    """`name/run-id` of every run -> its stamp; a look at each folder, no file is read."""
    found = {}
    for folder in runs.glob("*/*-*"):
        if stamp := _stamp(folder):
            found[f"{folder.parent.name}/{folder.name}"] = stamp
    return found


def read_entry(runs: Path, run: str, stamp: str) -> Entry:
    """Reads what a list shows of a run.

    Args:
        run: `name/run-id`.
        stamp: as `run_stamps` gave it.
    """
    folder = runs / run
    if stamp == _UNFINISHED:
        return _unfinished(folder, run)
    result = _read_json(folder / "result.json")
    try:
        if result["format"] == _FORMAT:
            return _finished(result, run, stamp)
    except (KeyError, TypeError, ValueError):
        pass
    return _bare(run, stamp, "damaged")


def _stamp(folder: Path) -> str:
    try:
        found = (folder / "result.json").stat()
    except OSError:
        return _UNFINISHED if (folder / "plan.json").exists() else ""
    return f"{found.st_mtime_ns}:{found.st_size}"


def _finished(result: Mapping[str, Any], run: str, stamp: str) -> Entry:
    promises = result["expectations"]
    return Entry(
        run=run,
        stamp=stamp,
        name=result["name"],
        question=result["question"],
        status=_status(result),
        started_s=_seconds(result["started"]),
        finished_s=_seconds(result["finished"]),
        host=result["host"].get("name"),
        cpu=result["host"].get("cpu"),
        spec_sha256=result["spec_sha256"],
        proven=bool(result["proven"]),
        blocks=int(result["blocks"]["done"]),
        promises=len(promises),
        kept=sum(promise["holds"] is True for promise in promises),
        variants=tuple(_variants(result)),
    )


def _status(result: Mapping[str, Any]) -> str:
    """The most serious thing that can be said of a result."""
    if any(variant["status"] == "failed" for variant in result["variants"]):
        return "failed"
    if was_cut_short(result):
        return "disturbed" if result["blocks"]["stopped"] == "disturbed" else _UNFINISHED
    if any(promise["holds"] is not True for promise in result["expectations"]):
        return "broken"
    return "done"


def _variants(result: Mapping[str, Any]) -> Iterator[VariantEntry]:
    compared = {one["variant"]: one for one in result["comparisons"]}
    for variant in result["variants"]:
        one = compared.get(variant["name"], {})
        low, high = one.get("interval") or (None, None)
        yield VariantEntry(
            name=variant["name"],
            status=variant["status"],
            verdict=one.get("verdict"),
            ratio=one.get("ratio"),
            low=low,
            high=high,
        )


def _unfinished(folder: Path, run: str) -> Entry:
    plan = _read_json(folder / "plan.json") or {}
    first = next(Journal(folder / "journal.jsonl").events(), {})
    host = first.get("host") or {}
    entry = _bare(run, _UNFINISHED, "unfinished")
    return replace(
        entry,
        host=host.get("name"),
        cpu=host.get("cpu"),
        variants=tuple(VariantEntry(name, "planned") for name in plan.get("variants") or {}),
    )


def _bare(run: str, stamp: str, status: str) -> Entry:
    """What a folder's name alone says."""
    name, _, run_id = run.partition("/")
    return Entry(
        run=run,
        stamp=stamp,
        name=name,
        question="",
        status=status,
        started_s=_begun_s(run_id),
        finished_s=None,
        host=None,
        cpu=None,
        spec_sha256=None,
        proven=None,
        blocks=None,
        promises=0,
        kept=0,
        variants=(),
    )


def _begun_s(run_id: str) -> float | None:
    """When a run began, as its name tells."""
    try:
        begun = datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")  # noqa: DTZ007 - UTC, see below
    except ValueError:
        return None
    return begun.replace(tzinfo=timezone.utc).timestamp()


def _seconds(iso: str) -> float:
    moment = datetime.fromisoformat(iso)
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
