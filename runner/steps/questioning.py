"""From what was built to what is to be timed."""

from __future__ import annotations

from collections.abc import Mapping

from runner.spec.model import Spec
from runner.steps.building import Built
from runner.steps.measuring import Question, number_arms
from runner.store.runs import Run
from runner.timing.libraries import RuntimeLibrary
from runner.timing.protocol import Arm


def make_question(
    spec: Spec, built: Mapping[str, Built], libraries: Mapping[str, RuntimeLibrary], run: Run
) -> tuple[Question | None, dict[str, int]]:
    """The arms of every variant that was built; no question where the baseline was not."""
    numbers = number_arms([variant.name for variant in spec.variants])
    if built[spec.baseline].error:
        return None, numbers
    arms = [
        Arm(
            name=variant.name,
            library=libraries[variant.name].path,
            model=str(built[variant.name].model_path),
            input=str(built[variant.name].input_path),
            delegate=variant.runtime.delegate,
            threads=variant.runtime.threads,
            label=variant.short_name,
        )
        for variant in spec.variants
        if not built[variant.name].error
    ]
    question = Question(arms, spec.baseline, spec.measure, run.schedule_seed)
    return question, numbers
