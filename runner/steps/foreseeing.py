"""What a bench would do now: which stages would run, and why."""

from __future__ import annotations

from runner.plan.explain import explain_miss
from runner.plan.stages import Plan, Stage
from runner.report.plan import StageOutlook
from runner.spec.model import Spec
from runner.store.artifacts import ArtifactStore
from runner.store.runs import Run
from runner.units import format_duration, format_share


def foresee(plan: Plan, store: ArtifactStore) -> list[StageOutlook]:
    """One outlook a stage, in the order they would run."""
    return [_outlook(stage, store) for stage in plan.stages.values()]


def _outlook(stage: Stage, store: ArtifactStore) -> StageOutlook:
    if found := store.find(stage.kind, stage.key):
        return StageOutlook(
            kind=stage.kind,
            label=stage.label,
            cached=True,
            reason=f"made {found.created}",
            seconds=found.seconds,
        )
    earlier = list(store.earlier(stage.kind))
    reason = explain_miss(stage.identity, [artifact.identity for artifact in earlier])
    seconds = [artifact.seconds for artifact in earlier]
    typical = sorted(seconds)[len(seconds) // 2] if seconds else None
    return StageOutlook(
        kind=stage.kind, label=stage.label, cached=False, reason=reason, seconds=typical
    )


def timing_sentence(spec: Spec, run: Run | None) -> str:
    """What the experiment would do."""
    plan = spec.measure
    goal = f"to tell {format_share(plan.effect)} or more, within {format_duration(plan.max_time_s)}"
    arms = len(spec.variants) + 2
    if run is None:
        return f"Then {arms} arms (controls included) are timed in blocks, {goal}."
    done = sum(
        1 for event in run.journal.events() if event["event"] == "block" and not event["reasons"]
    )
    if run.result() is None:
        return f"Then timing goes on after block {done} of run {run.run_id}, {goal}."
    return f"Run {run.run_id} has timed this already in {done} blocks; --fresh times anew."
