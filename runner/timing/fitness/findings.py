"""What an examination found, as records; how they look is the report's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["good", "advice", "problem", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what was looked at, such as `turbo`.
        status: `good`; `advice`: timing works, and would be steadier or complete otherwise;
            `problem`: timing is impossible; `unknown`: this machine does not tell.
        found: what is the case, as a short clause.
        why: why it matters, as a clause.
        remedy: what can be done, as a clause; empty where nothing has to be.
        command: the exact command that does it, where there is one.
        facts: what identifies the thing, such as the path and SHA-256 of a library.
    """

    name: str
    status: Status
    found: str
    why: str
    remedy: str = ""
    command: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Findings that belong together.

    Attributes:
        title: such as `Processor`.
    """

    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Examination:
    """All that was found, in the order of reading."""

    groups: tuple[Group, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all groups."""
        return tuple(finding for group in self.groups for finding in group.findings)

    @property
    def fit(self) -> bool:
        """Whether nothing makes timing impossible."""
        return all(finding.status != "problem" for finding in self.findings)
