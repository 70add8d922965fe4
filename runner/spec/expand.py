"""From a spec's file to its variants: the one door through which the other rooms come in."""

from __future__ import annotations

import hashlib
from pathlib import Path

from runner.errors import SpecError
from runner.spec.choices import chosen
from runner.spec.document import Document
from runner.spec.load import load
from runner.spec.matrix import Axis, combinations, read_axes
from runner.spec.model import Spec
from runner.spec.parts import PartReader
from runner.spec.records import build_expectation, build_measure, build_variant
from runner.spec.validate import validate


def read_spec(path: Path) -> Spec:
    """Read, check and expand a spec.

    Raises:
        SpecError: the spec is wrong; carries all of its problems.
    """
    return expand(load(path))


def expand(document: Document) -> Spec:
    """Check and expand a document.

    Raises:
        SpecError: the spec is wrong; carries all of its problems.
    """
    problems = validate(document)
    if problems:
        raise SpecError(problems)
    data = document.root.value
    axes = read_axes(data)
    reader = PartReader(data, document.folder)
    whole = reader.of_spec()
    name = str(data["name"])
    return Spec(
        path=Path(document.file),
        source=document.content,
        sha256=hashlib.sha256(document.content).hexdigest(),
        name=name,
        question=data.get("question", ""),
        variants=tuple(
            build_variant(one.name(name), one.names, reader.of_variant(one))
            for one in combinations(axes)
        ),
        baseline=_baseline(name, data.get("baseline", {}), axes),
        measure=build_measure(whole["measure"]),
        expectations=tuple(
            build_expectation(part, chosen(part["variant"], axes)) for part in whole["expect"]
        ),
    )


def _baseline(spec_name: str, choice: dict[str, object], axes: tuple[Axis, ...]) -> str:
    """The name of the variant that a valid baseline names."""
    names = {axis.path: axis.alternatives[0].name for axis in axes} | chosen(choice, axes)
    wanted = (one for one in combinations(axes) if one.names == names)
    return next(wanted).name(spec_name)
