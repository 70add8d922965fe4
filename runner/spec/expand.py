"""From a spec's file to its variants: the one door through which the other rooms come in."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import SpecError
from runner.spec.document import Document
from runner.spec.extend import read_document
from runner.spec.matrix import Combination, Matrix, read_matrix
from runner.spec.model import Spec, Variant
from runner.spec.parts import PartReader, Parts
from runner.spec.records import (
    VariantBuilder,
    build_expectation,
    build_measure,
    build_report,
    build_targets,
)
from runner.spec.replicates import AXIS, Dealer
from runner.spec.validate import validate


def read_spec(path: Path, settings: Sequence[str] = ()) -> Spec:
    """Read, check and expand a spec.

    Args:
        settings: texts such as `model.base.alpha=0.5`, which win over what the file says.

    Raises:
        SpecError: the spec is wrong; carries all of its problems.
    """
    return expand(read_document(path, settings))


def expand(document: Document) -> Spec:
    """Check and expand a document.

    Raises:
        SpecError: the spec is wrong; carries all of its problems.
    """
    problems = validate(document)
    if problems:
        raise SpecError(problems)
    data = document.root.value
    matrix = read_matrix(data)
    reader, dealer = PartReader(data, document.folder), Dealer()
    whole = reader.of_spec()
    name = str(data["name"])
    family = _Family(name)
    for combination in matrix.combinations():
        for index, parts in enumerate(dealer.replicates(reader.of_variant(combination))):
            family.add(combination, index, parts, reader.content(parts))
    return Spec(
        path=Path(document.file),
        source=document.content,
        others=tuple(
            (one.file, one.content.decode("utf-8", errors="replace")) for one in document.others
        ),
        sha256=_sha256(document),
        name=name,
        question=str(data.get("question", "")),
        variants=tuple(family.variants.values()),
        aliases=family.aliases,
        recipes={name: tuple(variants) for name, variants in family.recipes.items()},
        baseline=family.baseline(data.get("baseline", {}), matrix),
        targets=build_targets(whole["targets"]),
        measure=build_measure(whole["measure"]),
        expectations=tuple(
            build_expectation(part, family.named(part["variant"], matrix))
            for part in whole["expect"]
        ),
        report=build_report(whole["report"]),
    )


class _Family:
    """The variants of a spec, each content once under the first of its names."""

    def __init__(self, spec_name: str) -> None:
        self.variants: dict[str, Variant] = {}
        self.aliases: dict[str, str] = {}
        self.recipes: dict[str, list[str]] = {}
        self._spec_name = spec_name
        self._builder = VariantBuilder()
        self._contents: dict[tuple[int, ...], str] = {}

    def add(
        self, combination: Combination, replicate: int, parts: Parts, content: tuple[int, ...]
    ) -> None:
        """Takes a model of a combination in, or notes that its content has another name already.

        Args:
            replicate: its place among the models that are trained from the same recipe.
        """
        recipe = combination.name(self._spec_name)
        axes, name = dict(combination.names), recipe
        if replicate or (parts["train"]["seeds"] > 1 and not parts.get("model.file")):
            axes[AXIS] = str(parts["train"]["seed"])
            name = ",".join(f"{path}={value}" for path, value in axes.items())
        first = self._contents.setdefault(content, name)
        if first != name:
            self.aliases[name] = first
        elif name not in self.variants:
            self.variants[name] = self._builder.build(name, axes, (recipe, replicate), parts)
        known = self.recipes.setdefault(recipe, [])
        known.extend([first] if first not in known else [])

    def baseline(self, choice: Mapping[str, Any], matrix: Matrix) -> str:
        """The name of the variant that a valid baseline names."""
        return self._models(matrix.meant(matrix.chosen(choice))[0])[0]

    def named(self, choice: Mapping[str, Any], matrix: Matrix) -> tuple[str, ...]:
        """The names of the variants that have all of a choice."""
        names = matrix.chosen(choice)
        meant = (self._models(one) for one in matrix.combinations() if one.has(names))
        return tuple(dict.fromkeys(itertools.chain.from_iterable(meant)))

    def _models(self, combination: Combination) -> list[str]:
        """The names of the variants that a combination stands for, one for each seed."""
        return self.recipes[combination.name(self._spec_name)]


def _sha256(document: Document) -> str:
    """Of the file, and of all else that took part."""
    digest = hashlib.sha256(document.content)
    for source in document.others:
        digest.update(hashlib.sha256(source.content).digest())
    return digest.hexdigest()
