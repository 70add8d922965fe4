"""Room on the disk: what is needed, what is free, and whether that is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.units import format_bytes


@dataclass(frozen=True)
class Room:
    """What would be written to one file system.

    Attributes:
        folders: those that lie on it, as they were given.
        artifacts_bytes: what stages would make and keep for a while, as similar ones did.
        samples_bytes: samples and journal, at the most.
        unknown_stages: how many would make what nothing similar was seen of; they are not counted.
        by_stage: key -> what is counted of each stage; None where nothing is known of it.
        checkpoints_bytes: of the artifacts, what goes again when a training has ended.
    """

    folders: tuple[str, ...]
    artifacts_bytes: int
    samples_bytes: int
    unknown_stages: int
    free_bytes: int
    by_stage: Mapping[str, int | None] = field(default_factory=dict)
    checkpoints_bytes: int = 0

    @property
    def need_bytes(self) -> int:
        """Of all that is known."""
        return self.artifacts_bytes + self.samples_bytes

    @property
    def is_enough(self) -> bool:
        """Whether what is known to be needed fits."""
        return self.need_bytes <= self.free_bytes

    def as_record(self) -> dict[str, Any]:
        """The room as JSON."""
        return {
            "folders": list(self.folders),
            "artifacts_bytes": self.artifacts_bytes,
            "samples_bytes": self.samples_bytes,
            "unknown_stages": self.unknown_stages,
            "need_bytes": self.need_bytes,
            "free_bytes": self.free_bytes,
            "is_enough": self.is_enough,
        }


def room_sentence(room: Room) -> str:
    """`About 74 MiB for artifacts, and 58 GiB are free in DIR`, and whether that is enough."""
    known = f"{room.unknown_stages} stages not counted, the first of their kind"
    tail = f" ({known})" if room.unknown_stages else ""
    verdict = "" if room.is_enough else "Not enough room: "
    return (
        f"{verdict}{_needs(room)}{tail}, "
        f"and {format_bytes(room.free_bytes)} are free in {' and '.join(room.folders)}."
    )


def _needs(room: Room) -> str:
    parts = []
    if room.artifacts_bytes:
        parts.append(f"about {format_bytes(room.artifacts_bytes)} for artifacts")
    if room.samples_bytes:
        parts.append(f"at most {format_bytes(room.samples_bytes)} for samples")
    text = f"{' and '.join(parts) or 'nothing that is known'}"
    return f"{text[0].upper()}{text[1:]}"
