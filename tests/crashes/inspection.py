"""What must hold of a desk after a command ended, however it ended; each lapse as a sentence."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from tests.bench import Desk
from tests.results import check_result

_RUN_FILES = re.compile(
    r"(spec\.yaml|plan\.json|journal\.jsonl|result\.json|report\.(html|csv|md)"
    r"|samples/\d{2,}\.i64|logs/[^/]+\.log)"
)
_ARTIFACT = re.compile(r"[a-z]+/[0-9a-f]{64}/(?!\.).+")
_SAMPLE_BYTES = 8


@dataclass
class Witness:
    """Remembers what a run had finished, to see whether it stays so.

    Attributes:
        lines: journal's path -> its whole lines.
        samples: (file, first sample, count) -> their checksum.
    """

    lines: dict[Path, list[bytes]] = field(default_factory=dict)
    samples: dict[tuple[Path, int, int], int] = field(default_factory=dict)

    def look(self, desk: Desk) -> list[str]:
        """Takes note of all that is there; what was there before and is another now."""
        lapses = []
        for journal in sorted(desk.runs.glob("*/[0-9]*/journal.jsonl")):
            lines = _whole_lines(journal)
            before = self.lines.get(journal, [])
            if lines[: len(before)] != before:
                lapses.append(f"{journal}: lines that were written are not there any more")
            for event in map(json.loads, lines):
                lapses += self._look_at_samples(journal.parent, event)
            self.lines[journal] = lines
        lapses += [
            f"{path}: is gone with all that was finished"
            for path in self.lines
            if not path.exists()
        ]
        return lapses

    def _look_at_samples(self, run: Path, event: Mapping[str, Any]) -> list[str]:
        if event["event"] != "process":
            return []
        place = (run / event["file"], event["first"], event["count"])
        data = _samples(*place)
        if len(data) != event["count"] * _SAMPLE_BYTES:
            return [f"{place}: samples of a finished process are not there"]
        if self.samples.setdefault(place, zlib.crc32(data)) != zlib.crc32(data):
            return [f"{place}: samples of a finished process are others now"]
        return []


def lapses_of_finished(desk: Desk) -> list[str]:
    """What is wrong with runs that are said to be finished."""
    lapses = [*repeated_stages(desk), *leftovers(desk)]
    for folder in sorted(desk.runs.glob("[!._]*/[0-9]*")):
        lapses += [f"{folder.name}: {lapse}" for lapse in _lapses_of_run(folder)]
    return lapses


def _lapses_of_run(folder: Path) -> Iterator[str]:
    events = [json.loads(line) for line in _whole_lines(folder / "journal.jsonl")]
    try:
        result = json.loads((folder / "result.json").read_text())
        check_result(result)
    except (OSError, ValueError, jsonschema.ValidationError) as error:
        yield f"the result is not there or not valid: {str(error).splitlines()[0]}"
        return
    for variant in result["variants"]:
        if variant["status"] != "done":
            yield f"{variant['name']} is {variant['status']}: {variant['error']}"
    if events[-1]["event"] != "finished":
        yield "the journal does not end with the run's end"
    if not (folder / "report.html").exists():
        yield "there is no report"
    plan = json.loads((folder / "plan.json").read_text())
    if result["design"]["schedule_seed"] != plan["schedule_seed"]:
        yield "the schedule's seed is another one"
    yield from repeated_processes(events)
    told = Counter(event["event"] for event in events)
    if told["pilot"] != 1 + told["warmup_lengthened"]:
        yield "the pilot was not concluded once"


def repeated_processes(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """(block, arm) that ran again though it was finished and its block not disturbed."""
    disturbed = {
        (event["event"], event["index"], event["attempt"])
        for event in events
        if event["event"] in {"block", "pilot_block"} and event["reasons"]
    }
    closed_by = {"process": "block", "pilot_process": "pilot_block"}
    runs, pilot = Counter[tuple[Any, ...]](), 0
    for event in events:
        pilot += event["event"] == "warmup_lengthened"
        end = closed_by.get(event["event"])
        if end and (end, event["block"], event["attempt"]) not in disturbed:
            # After a longer warm-up there is another pilot, while blocks are counted on.
            number = pilot if end == "pilot_block" else 0
            runs[end, number, event["block"], event["arm"]] += 1
    for what, count in runs.items():
        if count > 1:
            yield f"{' '.join(map(str, what))} ran {count} times"


def disturbed_blocks(desk: Desk) -> int:
    """How many passes were thrown away because the machine was disturbed."""
    return sum(
        1
        for journal in desk.runs.glob("*/[0-9]*/journal.jsonl")
        for event in map(json.loads, _whole_lines(journal))
        if event["event"] in {"block", "pilot_block"} and event["reasons"]
    )


def repeated_stages(desk: Desk) -> list[str]:
    """Stages that were done more than once, by all journals of the desk."""
    done = Counter(
        (event["stage"], event["key"])
        for journal in desk.runs.glob("*/[0-9]*/journal.jsonl")
        for event in map(json.loads, _whole_lines(journal))
        if event["event"] == "stage" and event["status"] == "done"
    )
    return [f"{stage} {key[:12]} was done {n} times" for (stage, key), n in done.items() if n > 1]


def leftovers(desk: Desk) -> list[str]:
    """Files that no finished run and no artifact is made of."""
    found = []
    # What a killed command noted of itself counts for nothing, and goes with the next one's start.
    found += [str(path) for path in (desk.runs / "_now").glob("*.draft")]
    found += [str(path) for path in (desk.runs / "_batches").glob(".new.*")]
    for run in desk.runs.glob("[!._]*/*"):
        if run.name != ".lock" and not re.match(r"\d{8}-", run.name):
            found.append(str(run))
        found += [
            str(path)
            for path in run.rglob("*")
            if path.is_file() and not _RUN_FILES.fullmatch(str(path.relative_to(run)))
        ]
        found += [str(path) for path in [run / "scratch"] if path.exists()]
    for path in desk.cache.rglob("*"):
        place = str(path.relative_to(desk.cache))
        # Keras's own folder of downloads.
        is_kept = place == ".lock" or place.startswith("tmp/keras/") or _ARTIFACT.match(place)
        if path.is_file() and not is_kept:
            found.append(str(path))
    found += [str(path) for path in (desk.cache / "tmp").glob("*") if path.name != "keras"]
    return [f"left over: {path}" for path in dict.fromkeys(found)]


def _whole_lines(journal: Path) -> list[bytes]:
    if not journal.exists():
        return []
    return journal.read_bytes().rpartition(b"\n")[0].splitlines()


def _samples(file: Path, first: int, count: int) -> bytes:
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        opened.seek(first * _SAMPLE_BYTES)
        return opened.read(count * _SAMPLE_BYTES)
