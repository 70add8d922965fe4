"""What the schema can't say: every rule that joins several fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec import check_base, check_model, check_runtime, check_train
from runner.spec.check import Findings
from runner.spec.check_runtime import target_findings
from runner.spec.document import Finding
from runner.spec.parts import Parts
from runner.spec.schema import default_of

CHECKS = (
    *check_model.CHECKS,
    *check_base.CHECKS,
    *check_train.CHECKS,
    *check_runtime.CHECKS,
)


def check_whole(whole: Parts) -> Findings:
    """What is wrong with the parts that no variant changes."""
    if "measure" in whole:
        yield from _measure(whole["measure"])
    yield from target_findings(whole.get("targets", {}))


def _measure(measure: Mapping[str, Any]) -> Findings:
    fewest, most = measure["min_blocks"], measure["max_blocks"]
    if fewest > most:
        message = f"min_blocks is {fewest}, but max_blocks only {most}"
        remedy = f"write max_blocks: {fewest} or more, or a smaller min_blocks"
        # The one that was written is to blame, not the default.
        name = "max_blocks" if fewest == default_of(("measure", "min_blocks")) else "min_blocks"
        yield Finding(("measure", name), message, remedy)
