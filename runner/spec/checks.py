"""What the schema can't say: every rule that joins several fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.spec import check_base, check_compress, check_model, check_runtime, check_train
from runner.spec.check import Findings
from runner.spec.check_runtime import target_findings
from runner.spec.document import Finding, Keys
from runner.spec.matrix import Matrix
from runner.spec.parts import GIVEN, Parts
from runner.spec.schema import default_of

CHECKS = (
    *check_model.CHECKS,
    *check_base.CHECKS,
    *check_train.CHECKS,
    *check_compress.CHECKS,
    *check_runtime.CHECKS,
)


def check_whole(whole: Parts) -> Findings:
    """What is wrong with the parts that no variant changes."""
    if "measure" in whole:
        yield from _measure(whole["measure"])
    yield from target_findings(whole.get("targets", {}))


def all_findings(data: Mapping[str, Any], matrix: Matrix, variants: Sequence[Parts]) -> Findings:
    """What says nothing about any of the variants."""
    if not variants or any("model.base" in parts[GIVEN] for parts in variants):
        return
    # Compression trains too, in batches as `train` says.
    if any("model.file" not in parts[GIVEN] or parts.get("compress") for parts in variants):
        return
    paths: list[Keys] = [("train",)] if "train" in data else []
    paths += [("matrix", axis.path) for axis in matrix.axes if axis.keys[0] == "train"]
    for path in paths:
        message = "every network here is a finished one, so nothing is trained"
        yield Finding(path, message, "remove it", at_key=True)


def _measure(measure: Mapping[str, Any]) -> Findings:
    fewest, most = measure["min_blocks"], measure["max_blocks"]
    if fewest > most:
        message = f"min_blocks is {fewest}, but max_blocks only {most}"
        remedy = f"write max_blocks: {fewest} or more, or a smaller min_blocks"
        # The one that was written is to blame, not the default.
        name = "max_blocks" if fewest == default_of(("measure", "min_blocks")) else "min_blocks"
        yield Finding(("measure", name), message, remedy)
