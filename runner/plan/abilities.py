"""What the spec language can say and this version can't carry out. Pure.

The language is whole before every part of the machinery is: a spec that asks for more than there is
gets a clear refusal before anything runs, never a result of something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from runner.spec.model import Spec, Variant


def refusals(spec: Spec) -> list[str]:
    """What this version can't carry out, each as the field and what it asks for; empty for none."""
    found = dict.fromkeys(text for variant in spec.variants for text in _of_variant(variant, spec))
    return list(found)


def _of_variant(variant: Variant, spec: Spec) -> Iterator[str]:
    if variant.target != "local":
        yield f"target: {variant.target} ({spec.targets[variant.target].kind})"
