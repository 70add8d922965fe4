"""All problems of a spec at once: shapes first, then what the fields mean together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.errors import Problem
from runner.spec.axes import matrix_findings, usable
from runner.spec.budget import budget_findings
from runner.spec.checks import CHECKS, check_whole
from runner.spec.choices import choice_findings, expectation_findings
from runner.spec.document import NOWHERE, Document, Finding, Keys, Node, problem_at
from runner.spec.matrix import MOST_EVER, Combination, Matrix, read_matrix
from runner.spec.parts import GIVEN, PartReader, Parts
from runner.spec.replicates import Dealer
from runner.spec.scalars import misreading, without_misreading
from runner.spec.schema import spec_schema
from runner.spec.structure import structural_findings

MOST_PROBLEMS = 100

Findings = Iterator[Finding]


def validate(document: Document) -> list[Problem]:
    """Everything that is wrong with a spec, in the file's order; empty for a valid one."""
    seen = _Seen()
    problems = [problem for problem in document.problems if seen.is_new(problem)]
    for stage in (_of_fields, _of_variants):
        for finding in stage(document):
            problem = document.problem(finding)
            if seen.is_new(problem):
                problems.append(problem)
            if len(problems) >= MOST_PROBLEMS:
                return sorted([*problems, _more(document)])
        seen.fields_done = True
    return sorted(problems)


@dataclass
class _Seen:
    """What has been reported: a field that has a problem by itself gets no further one."""

    fields: set[tuple[str, int, int]] = field(default_factory=set)
    places: set[tuple[int, int, str, str]] = field(default_factory=set)
    fields_done: bool = False

    def is_new(self, problem: Problem) -> bool:
        line, column, path = problem.line, problem.column, problem.path
        place = (line, column, path.rpartition(".")[2], problem.message)
        new = (path, line, column) not in self.fields and place not in self.places
        self.places.add(place)
        if not self.fields_done:
            self.fields.add((path, line, column))
        return new


def _more(document: Document) -> Problem:
    message = f"the first {MOST_PROBLEMS} problems are shown; there are more"
    return problem_at(document.file, (), NOWHERE, Finding((), message, "mend these first"))


def _of_fields(document: Document) -> Findings:
    """What is wrong with fields, each by itself, and with what names variants."""
    data = document.root.value
    matrix = read_matrix(data)
    yield from _structure(document, usable(matrix, data))
    yield from matrix_findings(matrix, document)
    yield from _misread((), document.root)
    yield from choice_findings(data, matrix)


def _of_variants(document: Document) -> Findings:
    """What fields mean together."""
    data = document.root.value
    matrix = usable(read_matrix(data), data)
    reader = PartReader(data, document.folder)
    whole = reader.of_spec()
    yield from check_whole(whole)
    yield from expectation_findings(whole.get("expect", ()))
    variants = list(itertools.islice(matrix.combinations(), min(matrix.limit, MOST_EVER)))
    if matrix.most > min(matrix.limit, MOST_EVER):
        yield from _too_many(matrix)
    elif matrix.most and not variants:
        message = "leaves no variant: exclude takes all of them out"
        yield Finding(("matrix",), message, "leave some of exclude out", at_key=True)
    elif "measure" in whole:
        number = _models(variants, reader)
        yield from budget_findings(whole["measure"], number)
        if number > min(matrix.limit, MOST_EVER):
            message = f"with train.seeds gives {number:,} variants; {matrix.limit:,} are allowed"
            remedy = "write fewer seeds or alternatives, or raise the limit: "
            remedy += f"matrix: {{limit: {number}}}"
            yield Finding(("matrix",), message, remedy, at_key=True)
    yield from _variants(variants, reader, whole)


def _models(variants: Sequence[Combination], reader: PartReader) -> int:
    """How many models are timed: each content once, and of a recipe one for each seed."""
    dealer = Dealer()
    return len(
        {
            reader.content(parts)
            for variant in variants
            for parts in dealer.replicates(reader.of_variant(variant))
        }
    )


def _too_many(matrix: Matrix) -> Findings:
    """More variants than the spec allows itself; what `exclude` takes out is counted too."""
    limit = min(matrix.limit, MOST_EVER)
    message = f"gives {matrix.most:,} variants; at most {limit:,} are allowed"
    if matrix.most > MOST_EVER:
        remedy = "leave out alternatives, or split the spec"
    else:
        remedy = f"leave out alternatives, or raise the limit: matrix: {{limit: {matrix.most}}}"
    yield Finding(("matrix",), message, remedy, at_key=True)


def _structure(document: Document, matrix: Matrix) -> Findings:
    """Differences from the schema outside the matrix's alternatives.

    A field that an axis sets may be left out of the spec itself, so the schema is held against the
    spec with the first alternatives in their places; the alternatives have a check of their own.
    """
    data = document.root.value
    axes = matrix.axes
    first = Combination(axes, tuple(axis.alternatives[0] for axis in axes))
    merged = first.merged(data) | ({"matrix": data["matrix"]} if "matrix" in data else {})
    for finding in structural_findings(merged, spec_schema(), document.root):
        if not any(_is_under(finding.path, axis.keys) for axis in axes):
            yield _shown(finding, document, matrix)


def _shown(finding: Finding, document: Document, matrix: Matrix) -> Finding:
    """The finding, shown at an axis where only the axis brings its mapping into being."""
    above = finding.path[:-1]
    if document.find(above) is None:
        makers = [axis for axis in matrix.axes if _is_under(axis.keys, above)]
        return finding._replace(shown_at=("matrix", makers[0].path)) if makers else finding
    return finding


def _is_under(path: Keys, above: Keys) -> bool:
    return path[: len(above)] == above


def _misread(path: Keys, node: Node) -> Findings:
    """Numbers that YAML reads otherwise than people do."""
    if misreading(node):
        yield Finding(path, misreading(node), without_misreading(node))
    for key, entry in node.entries.items():
        yield from _misread((*path, key), entry.node)


def _variants(variants: Sequence[Combination], reader: PartReader, whole: Parts) -> Findings:
    """What is wrong with single variants, each problem once for all variants that share it."""
    checker = _Checker(whole)
    affected: dict[tuple[Keys, Finding], list[Combination]] = {}
    for variant in variants:
        for finding in checker.findings(reader.of_variant(variant)):
            place = variant.place(finding.path)
            affected.setdefault((place, finding), []).append(variant)
    for (place, finding), some in affected.items():
        concerned = [one for one in variants if one.place(finding.path) == place]
        note = "" if len(some) == len(concerned) else _names(some)
        yield finding._replace(path=place, message=finding.message + note)


class _Checker:
    """Runs every check once for each different set of the parts that it needs."""

    def __init__(self, whole: Parts) -> None:
        self._whole = {name: whole[name] for name in ("targets",) if name in whole}
        self._known: dict[tuple[Any, ...], tuple[Finding, ...]] = {}

    def findings(self, parts: dict[str, Any]) -> Findings:
        parts |= self._whole
        for index, check in enumerate(CHECKS):
            needed = [parts.get(name) for name in check.needs]
            if any(part is None for part in needed):
                continue
            optional = [parts.get(name) for name in check.reads]
            key = (index, id(parts[GIVEN]), *map(id, needed), *map(id, optional))
            if key not in self._known:
                self._known[key] = tuple(check.run(parts))
            yield from self._known[key]


def _names(variants: Iterable[Combination]) -> str:
    first, *others = [variant.name("") for variant in variants]
    more = f" and {len(others)} more" if others else ""
    return f" (in the variant {first}{more})"
