"""What parent and worker say to each other, one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StageRequest:
    """A stage to run.

    Attributes:
        key: of the artifact; names the log.
        inputs: role -> folder of the artifact.
        output: an existing, empty folder.
    """

    stage: str
    key: str
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    output: Path


@dataclass(frozen=True)
class Progress:
    """How far a stage is."""

    done: float
    total: float
    note: str


@dataclass(frozen=True)
class StageOutcome:
    """What a stage says of what it made."""

    summary: Mapping[str, Any]


class StageFailure(Exception):  # noqa: N818 - what happened, not a mistake
    """Raised in a worker: a failure whose reason is known.

    Args:
        kind: a stable word for machines.
    """

    def __init__(self, kind: str, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.why = why
        self.remedy = remedy

    def as_record(self) -> dict[str, str]:
        """The failure as the parent reads it."""
        return {"kind": self.kind, "what": self.what, "why": self.why, "remedy": self.remedy}
