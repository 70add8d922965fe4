"""From what was built to what is to be timed."""

from __future__ import annotations

from collections.abc import Mapping

from runner.spec.model import Spec
from runner.steps.built import Built
from runner.steps.options import job_options
from runner.steps.question import Question
from runner.store.runs import Run
from runner.timing.libraries import RuntimeLibrary
from runner.timing.protocol import Arm


def covers(run: Run, question: Question) -> bool:
    """Whether the run's pilot, if it had one, knew every arm of the question."""
    had_pilot, known = False, set()
    for event in run.journal.events():
        had_pilot = had_pilot or event["event"] == "pilot"
        if event["event"] in {"pilot_process", "dropped"}:
            known.add(event["arm"])
    return not had_pilot or {arm.name for arm in question.arms} <= known


def make_question(
    spec: Spec, built: Mapping[str, Built], libraries: Mapping[str, RuntimeLibrary], run: Run
) -> Question | None:
    """The arms of every variant that was built; no question where the baseline was not."""
    if built[spec.baseline].error:
        return None
    arms = [
        Arm(
            name=variant.name,
            library=libraries[variant.name].path,
            kind=libraries[variant.name].kind,
            model=str(built[variant.name].model_path),
            input=str(built[variant.name].input_path or ""),
            delegate=variant.runtime.delegate.name,
            threads=variant.runtime.threads,
            label=variant.short_name,
            options=job_options(
                variant.runtime,
                spec.measure,
                has_images=built[variant.name].input_path is not None,
                cache=run.scratch_folder / f"{index}.weights",
            ),
        )
        for index, variant in enumerate(spec.variants)
        if not built[variant.name].error
    ]
    return Question(
        arms,
        spec.baseline,
        spec.pairs,
        spec.measure,
        run.schedule_seed,
        kills=spec.limits.retries,
    )
