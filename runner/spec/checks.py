"""What the schema can't say: every rule that joins several fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec import check_base, check_model, check_runtime, check_train
from runner.spec.check import Findings
from runner.spec.check_runtime import target_findings
from runner.spec.document import Finding
from runner.spec.parts import Parts

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
        yield Finding(("measure", "min_blocks"), message, "write max_blocks of at least min_blocks")
