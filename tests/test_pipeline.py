"""What a whole result amounts to, as an exit code."""

from __future__ import annotations

import pytest

from runner.errors import ExitCode
from runner.pipeline import exit_code
from tests.results import quickstart

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("holds", "code"),
    [
        (True, ExitCode.DONE),
        (False, ExitCode.EXPECTATION_FAILED),
        (None, ExitCode.EXPECTATION_FAILED),
    ],
)
def test_only_expectations_that_hold_end_well(*, holds: bool | None, code: ExitCode) -> None:
    result = quickstart()
    result["expectations"][0]["holds"] = holds
    assert exit_code(result) is code


def test_a_failed_variant_counts_before_any_expectation() -> None:
    result = quickstart()
    result["variants"][1]["status"] = "failed"
    assert exit_code(result) is ExitCode.VARIANTS_FAILED


@pytest.mark.parametrize(
    ("stopped", "code"),
    [("disturbed", ExitCode.UNUSABLE_ENVIRONMENT), ("deadline", ExitCode.INTERRUPTED)],
)
def test_an_answer_of_too_few_blocks_does_not_end_well(stopped: str, code: ExitCode) -> None:
    result = quickstart()
    result["blocks"]["stopped"] = stopped
    assert exit_code(result) is code
