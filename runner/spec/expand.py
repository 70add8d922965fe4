"""From a spec's file to its variants: the one door through which the other rooms come in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from runner.spec.document import Document
from runner.spec.extend import read_document
from runner.spec.family import Family
from runner.spec.model import Spec
from runner.spec.records import (
    VariantBuilder,
    build_expectation,
    build_limits,
    build_measure,
    build_report,
    build_targets,
)


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
    family = Family(document)
    whole, builder = family.whole, VariantBuilder()
    return Spec(
        path=Path(document.file),
        source=document.content,
        others=tuple(
            (one.file, one.content.decode("utf-8", errors="replace")) for one in document.others
        ),
        sha256=_sha256(document),
        name=family.name,
        question=str(document.root.value.get("question", "")),
        priority=int(document.root.value.get("priority", 0)),
        variants=tuple(
            builder.build(name, one.axes, one.recipe, one.parts)
            for name, one in family.members.items()
        ),
        aliases=family.aliases,
        baseline=family.baseline,
        recipes=family.recipes,
        targets=build_targets(whole["targets"]),
        measure=build_measure(whole["measure"]),
        limits=build_limits(whole["limits"]),
        expectations=tuple(
            build_expectation(part, family.named(part["variant"])) for part in whole["expect"]
        ),
        report=build_report(whole["report"]),
    )


def _sha256(document: Document) -> str:
    """Of the file, and of all else that took part."""
    digest = hashlib.sha256(document.content)
    for source in document.others:
        digest.update(hashlib.sha256(source.content).digest())
    return digest.hexdigest()
