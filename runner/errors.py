"""What can go wrong, as records: what failed, where, why, and what to do.

Every error that a user can meet is a `RetimeError`; the command line prints its fields and ends
with its exit code. Anything else that reaches the command line is a bug in Retime and is reported
as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    EXPECTATION_FAILED = 1
    BAD_INPUT = 2
    VARIANTS_FAILED = 3
    UNUSABLE_ENVIRONMENT = 4
    INTERRUPTED = 130


class RetimeError(Exception):
    """Something failed for a reason that a user can understand and act on.

    Args:
        what: what failed, as a short clause.
        why: the reason, in the words of whatever refused where there are any.
        remedy: what the user can do.
        where: a file, stage, variant or target; empty where `what` says it.
    """

    exit_code = ExitCode.UNUSABLE_ENVIRONMENT

    def __init__(self, what: str, *, why: str = "", remedy: str = "", where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.where = where

    def in_parts(self) -> dict[str, str]:
        """What is said of it, as a batch's journal and summary hold it."""
        return {"what": self.what, "why": self.why, "remedy": self.remedy, "where": self.where}

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        parts = [head, self.why, f"Remedy: {self.remedy}" if self.remedy else ""]
        return "\n".join(part for part in parts if part)


class EnvironmentUnusableError(RetimeError):
    """This machine lacks something that the work needs: a library, a compiler, room on the disk."""


class ArgumentError(RetimeError):
    """The command line asks for something that can't be done."""

    exit_code = ExitCode.BAD_INPUT


class InterruptedRunError(RetimeError):
    """The user stopped the work; everything finished is kept."""

    exit_code = ExitCode.INTERRUPTED


class OutOfTimeError(RetimeError):
    """The time allowed in all is used up; everything finished is kept."""

    exit_code = ExitCode.INTERRUPTED


class StageError(RetimeError):
    """One stage of one variant failed; the other variants go on.

    Args:
        kind: a stable word for machines, such as `crashed`, `refused`, `timeout`, `exception`.
        log: the file that holds the stage's own output; empty where there is none.
    """

    exit_code = ExitCode.VARIANTS_FAILED

    def __init__(
        self,
        what: str,
        *,
        stage: str,
        kind: str,
        why: str = "",
        remedy: str = "",
        where: str = "",
        log: str = "",
    ) -> None:
        super().__init__(what, why=why, remedy=remedy, where=where)
        self.stage = stage
        self.kind = kind
        self.log = log

    def in_parts(self) -> dict[str, str]:
        """What is said of it; with its log, where there is one."""
        return super().in_parts() | ({"log": self.log} if self.log else {})

    def as_record(self) -> dict[str, str]:
        """The error as `result.json` and the journal hold it."""
        message = "\n".join(part for part in (self.what, self.why) if part)
        record = {"stage": self.stage, "kind": self.kind, "message": message, "remedy": self.remedy}
        return record | ({"log": self.log} if self.log else {})


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in a spec, and the place where it stands.

    Line and column count from 1; both are 0 when the problem is about the file as a whole.

    Attributes:
        is_remark: it is about the other problems: that there are more.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    remedy: str = ""
    source: str = ""
    is_remark: bool = False

    def as_record(self) -> dict[str, Any]:
        """The problem as JSON."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
            "remedy": self.remedy,
        }

    def headline(self) -> str:
        """`file:line:column: path: message`, as editors and compilers write it."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


class SpecError(RetimeError):
    """A spec is wrong; carries every problem that was found, in the file's order."""

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(problem.headline() for problem in self.problems))
