"""What the tests of the spec language share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import Problem, SpecError
from runner.spec.expand import expand
from runner.spec.load import parse
from runner.spec.model import Spec

SMALLEST = """\
spec: 1
name: sample
data: {source: digits}
model:
  base: {architecture: MobileNetV2, alpha: 1.0}
"""


@pytest.fixture(name="smallest")
def _smallest() -> str:
    """The text of the smallest spec there is; more keys can be appended."""
    return SMALLEST


@pytest.fixture(name="read")
def _read(tmp_path: Path) -> Callable[[str], Spec]:
    """Reads a spec from its text."""

    def read(text: str) -> Spec:
        return expand(parse(text.encode(), file="spec.yaml", folder=tmp_path))

    return read


@pytest.fixture(name="problems")
def _problems(read: Callable[[str], Spec]) -> Callable[[str], list[Problem]]:
    """The problems of a spec that is wrong."""

    def problems(text: str) -> list[Problem]:
        with pytest.raises(SpecError) as caught:
            read(text)
        return list(caught.value.problems)

    return problems
