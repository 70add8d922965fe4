"""Checks several files and says of each what came of it."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import Problem, SpecError
from runner.spec.expand import read_spec
from runner.spec.extend import read_document
from runner.spec.family import Family
from runner.spec.model import Spec


@dataclass(frozen=True)
class Checked:
    """What came of one file.

    Attributes:
        family: None where there are problems.
    """

    file: str
    family: Family | None
    problems: tuple[Problem, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """The outcome as JSON."""
        family = self.family
        return {
            "file": self.file,
            "valid": family is not None,
            "variants": list(family.members) if family else [],
            "baseline": family.baseline if family else None,
            "same_content": family.aliases if family else {},
            "problems": [problem.as_record() for problem in self.problems],
        }

    def sentence(self) -> str:
        """`x.yaml: valid, 4 variants`, and what deserves a word; empty where there are problems."""
        if self.family is None:
            return ""
        count = len(self.family.members)
        lines = [f"{self.file}: valid, {count} variant{'s' * (count != 1)}"]
        for name, real in self.family.aliases.items():
            lines.append(f"  {name} has the same content as {real}: one variant with two names")
        return "".join(f"{line}\n" for line in lines)


def check_files(patterns: Sequence[str], settings: Sequence[str]) -> list[Checked]:
    """Checks every file once, in the order given.

    Args:
        patterns: paths, or patterns such as `specs/**/*.yaml`.
        settings: texts such as `model.base.alpha=0.5`, put into each of them.
    """
    files = dict.fromkeys(file for pattern in patterns for file in _files(pattern))
    return [_check(file, settings) for file in files]


def read_specs(patterns: Sequence[str], settings: Sequence[str]) -> list[Spec]:
    """Reads several specs, each file once, in the order given.

    Args:
        patterns: as for `check_files`.
        settings: as for `check_files`.

    Raises:
        SpecError: some are wrong; carries the problems of all of them.
    """
    specs: list[Spec] = []
    problems: list[Problem] = []
    for file in dict.fromkeys(file for pattern in patterns for file in _files(pattern)):
        try:
            specs.append(read_spec(Path(file), settings))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return specs


def _files(pattern: str) -> Iterator[str]:
    """The files that a pattern matches; itself where it matches none, which is then missed."""
    found = [] if Path(pattern).exists() else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - a pattern may be absolute
    yield from found or [pattern]


def _check(file: str, settings: Sequence[str]) -> Checked:
    try:
        return Checked(file, Family(read_document(Path(file), settings)))
    except SpecError as error:
        return Checked(file, None, error.problems)
