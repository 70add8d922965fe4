"""Where wall time went, as a run's journal tells it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

# When something began and ended, in seconds since the epoch.
Span = tuple[float, float]


def read_events(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def stage_spans(
    events: Iterable[dict[str, Any]], kinds: Collection[str] | None = None
) -> Iterator[Span]:
    """When stages were done, from their orders to their ends.

    Args:
        kinds: of stages; None for all.
    """
    for event in events:
        is_done = event["event"] == "stage" and event["status"] == "done"
        if is_done and (kinds is None or event["stage"] in kinds):
            yield _ending(event, event["seconds"])


def timing_spans(events: Iterable[dict[str, Any]]) -> Iterator[Span]:
    """When timed processes ran."""
    for event in events:
        if event["event"] in {"process", "pilot_process"}:
            yield _ending(event, event["elapsed_s"])


def covered_s(spans: Iterable[Span]) -> float:
    """Seconds that lie in at least one of them."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _ending(event: dict[str, Any], seconds: float) -> Span:
    end = datetime.fromisoformat(event["time"]).timestamp()
    return end - seconds, end
