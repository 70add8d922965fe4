"""What parent and worker say to each other, one JSON object a line.

The parent writes requests:

    {"id", "stage", "params", "inputs": {role: folder}, "output", "scratch", "log"}

The worker answers with events that carry the request's id:

    {"id", "event": "progress", "done", "total", "unit", "note"}
    {"id", "event": "finished", "summary": {...}}
    {"id", "event": "failed", "kind", "what", "why", "remedy"}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def log_name(stage: str, key: str) -> str:
    """The name of the file that receives what a stage prints."""
    return f"{stage}-{key[:12]}.log"


@dataclass(frozen=True)
class StageRequest:
    """A stage to run.

    Attributes:
        stage: its kind, as `runner.plan.records` names it.
        key: of the artifact; names the log.
        inputs: role -> folder of the artifact.
        output: an existing, empty folder.
        scratch: a folder that outlives a failed attempt, in which a stage notes how far it is; it
            need not exist. None notes nothing.
    """

    stage: str
    key: str
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    output: Path
    scratch: Path | None = None

    @property
    def log_name(self) -> str:
        """The name of the file that receives what the stage prints."""
        return log_name(self.stage, self.key)

    def as_line(self, number: int, log: Path) -> str:
        """The request as the worker reads it, with absolute paths."""
        return json.dumps(
            {
                "id": number,
                "stage": self.stage,
                "params": self.params,
                "inputs": {role: str(path.absolute()) for role, path in self.inputs.items()},
                "output": str(self.output.absolute()),
                "scratch": str(self.scratch.absolute()) if self.scratch else None,
                "log": str(log.absolute()),
            }
        )


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes:
        unit: what `done` and `total` count: `epoch` or `image`.
    """

    done: float
    total: float
    note: str
    unit: str = ""


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class StageOutcome:
    """What a stage says of what it made."""

    summary: Mapping[str, Any]
