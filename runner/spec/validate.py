"""All problems of a spec at once: shapes first, then what the fields mean together."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.errors import Problem
from runner.spec.axes import matrix_findings, usable
from runner.spec.budget import budget_findings
from runner.spec.check import Check
from runner.spec.checks import CHECKS, all_findings, check_whole
from runner.spec.choices import choice_findings, expectation_findings, meaning_findings
from runner.spec.document import NOWHERE, Document, Finding, Key, Keys, Node, problem_at
from runner.spec.matrix import MOST_EVER, MOST_VARIANTS, Combination, Matrix, read_matrix
from runner.spec.parts import GIVEN, PartReader, Parts
from runner.spec.scalars import misreading, without_misreading
from runner.spec.schema import spec_schema
from runner.spec.structure import structural_findings

MOST_PROBLEMS = 100

Findings = Iterator[Finding]


def validate(document: Document, reader: PartReader) -> list[Problem]:
    """Everything that is wrong with a spec, in the file's order; empty for a valid one.

    Args:
        reader: of the same document; what it has completed is there for the expansion.
    """
    seen = _Seen()
    problems = [problem for problem in document.problems if seen.is_new(problem)]
    for findings in (_of_fields(document), _of_variants(document, reader)):
        for finding in findings:
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

    fields: set[tuple[str, str]] = field(default_factory=set)
    places: set[tuple[str, str, int, int, str, str]] = field(default_factory=set)
    fields_done: bool = False

    def is_new(self, problem: Problem) -> bool:
        # The line's text tells the arguments of several --set apart.
        here = (problem.file, problem.source, problem.line, problem.column)
        # An alias is one text that stands at several paths.
        place = (*here, problem.path.rpartition(".")[2], problem.message)
        new = (problem.file, problem.path) not in self.fields and place not in self.places
        self.places.add(place)
        if not self.fields_done:
            self.fields.add((problem.file, problem.path))
        return new


def _more(document: Document) -> Problem:
    message = f"the first {MOST_PROBLEMS} problems are shown; there are more"
    problem = problem_at(document.file, (), NOWHERE, Finding((), message, "mend these first"))
    return replace(problem, is_remark=True)


def _of_fields(document: Document) -> Findings:
    """What is wrong with fields, each by itself, and with what names variants."""
    data = document.root.value
    matrix = read_matrix(data)
    yield from _structure(document, usable(matrix, data))
    yield from matrix_findings(matrix, document)
    yield from _misread((), document.root)
    yield from choice_findings(data, matrix)


def _of_variants(document: Document, reader: PartReader) -> Findings:
    """What fields mean together."""
    data = document.root.value
    matrix = usable(read_matrix(data), data)
    whole = reader.of_spec()
    yield from check_whole(whole)
    yield from expectation_findings(whole.get("expect", ()))
    most = min(matrix.limit, MOST_EVER)
    # Of too many, the first ones show well enough what else is wrong.
    checked = most if matrix.most <= most else min(most, MOST_VARIANTS)
    variants = list(itertools.islice(matrix.combinations(), checked))
    parts = [reader.of_variant(variant) for variant in variants]
    if matrix.most > most:
        yield from _too_many(matrix)
    elif matrix.most and not variants:
        message = "leaves no variant: exclude takes all of them out"
        yield Finding(("matrix",), message, "leave some of exclude out", at_key=True)
    elif "measure" in whole:
        models = (one for variant in variants for one in reader.replicates(variant))
        number = len({reader.content(one) for one in models})
        yield from budget_findings(whole["measure"], number)
        if number > min(matrix.limit, MOST_EVER):
            message = f"with train.seeds gives {number:,} variants; {matrix.limit:,} are allowed"
            remedy = "write fewer seeds or alternatives, or raise the limit: "
            remedy += f"matrix: {{limit: {number}}}"
            yield Finding(("matrix",), message, remedy, at_key=True)
    for finding in _variants(variants, parts, whole):
        yield finding._replace(path=_as_written(finding.path, document.root))
    yield from all_findings(data, matrix, parts)
    if matrix.most <= most:
        contents = {
            one.name(""): (reader.content(part), "data" in part[GIVEN])
            for one, part in zip(variants, parts, strict=True)
        }
        yield from meaning_findings(data, matrix, contents)


def _as_written(path: Keys, node: Node | None) -> Keys:
    """The path without the place in a list where the file has the only item without a list."""
    written: list[Key] = []
    for key in path:
        if isinstance(key, int) and node is not None and not isinstance(node.value, list):
            continue
        written.append(key)
        entry = node.entries.get(key) if node else None
        node = entry.node if entry else None
    return tuple(written)


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


def _variants(
    variants: Sequence[Combination], parts: Sequence[dict[str, Any]], whole: Parts
) -> Findings:
    """What is wrong with single variants, each problem once for all variants that share it."""
    checker = _Checker(whole)
    affected: dict[tuple[Keys, Finding], list[Combination]] = {}
    for variant, own in zip(variants, parts, strict=True):
        for finding in checker.findings(own):
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
        # Checks that look at the same parts are known and looked up together.
        self._groups: dict[tuple[str, ...], list[Check]] = {}
        for check in CHECKS:
            self._groups.setdefault((*check.needs, *check.reads), []).append(check)

    def findings(self, parts: dict[str, Any]) -> Findings:
        parts |= self._whole
        for names, checks in self._groups.items():
            key = (names, id(parts[GIVEN]), *[id(parts.get(name)) for name in names])
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = tuple(self._run(checks, parts))
            if known:
                yield from known

    @staticmethod
    def _run(checks: Sequence[Check], parts: Parts) -> Findings:
        for check in checks:
            if all(parts.get(name) is not None for name in check.needs):
                yield from check.run(parts)


def _names(variants: Iterable[Combination]) -> str:
    first, *others = [variant.name("") for variant in variants]
    more = f" and {len(others)} more" if others else ""
    return f" (in the variant {first}{more})"
