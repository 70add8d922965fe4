"""What can go wrong in a stage, told apart by what a person can do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator

# What libraries write when the system's error number got lost on the way.
_FULL_DISK_WORDS = ("No space left on device", "errno = 28", "Disk quota exceeded")
_MOST_LINES = 12
_MOST_CHARACTERS = 1500


class StageFailure(Exception):  # noqa: N818 - what happened, not a mistake
    """Raised in a worker: a failure whose reason is known.

    Args:
        kind: a stable word for machines: `bad_input`, `exception`, `missing_package`, `nan_loss`,
            `no_space`, `out_of_memory` or `refused`.
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


def explain(error: BaseException) -> StageFailure:
    """The failure that an exception amounts to; a traceback is no part of it."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, StageFailure):
            return cause
    if any(map(_is_full_disk, causes)):
        named = [c for c in causes if isinstance(c, OSError) and c.filename]
        return StageFailure(
            "no_space",
            "no space left on the device",
            why=str(named[0].filename) if named else excerpt(error),
            remedy="free some room and run the same command again; it goes on where it stopped",
        )
    # TensorFlow's own exception is known by its name: this module never imports it.
    if any(isinstance(c, MemoryError) or _name(c) == "ResourceExhaustedError" for c in causes):
        return StageFailure(
            "out_of_memory",
            "not enough memory",
            why=excerpt(error),
            remedy="a smaller batch size or image size needs less",
        )
    return StageFailure(
        "exception",
        f"{_name(error)}: {excerpt(error).partition(chr(10))[0]}",
        why=excerpt(error).partition("\n")[2],
        remedy="the log holds the whole story",
    )


def excerpt(error: BaseException) -> str:
    """What an exception says, cut to what a person reads."""
    lines = [line.rstrip() for line in str(error).strip().splitlines() if line.strip()]
    text = "\n".join(lines[:_MOST_LINES])
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(words in str(error) for words in _FULL_DISK_WORDS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _name(error: BaseException) -> str:
    return type(error).__name__
