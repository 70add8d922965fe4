"""What a check is: a rule about one variant that joins several fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from runner.spec.document import Finding, shorten
from runner.spec.parts import Parts
from runner.spec.variables import unset

Findings = Iterator[Finding]


class Check(NamedTuple):
    """A rule, the parts that it needs to be there, and those that it reads where they are.

    Attributes:
        run: gives findings at paths of the variant's own merged data.
    """

    run: Callable[[Parts], Findings]
    needs: tuple[str, ...]
    reads: tuple[str, ...] = ()


def is_file(path: str) -> bool:
    """Whether there is such a file; False where the path can't be one."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: str) -> bool:
    """Whether there is such a folder; False where the path can't be one."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def no_file(path: str) -> str:
    """Says that there is no such file, with the end of the path, which tells most."""
    short = path if len(path) <= 100 and path.isprintable() else f"...{shorten(path[-50:])}"
    missing = unset(path)
    note = f"; the environment variable {missing[0]} is not set" if missing else ""
    return f"there is no file {short}{note}"
