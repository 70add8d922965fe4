"""What a bench would do now: which stages would run, and why; how long, and what it would find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.analysis.forecast import Experience, Forecast, assumed, experience_of, foresee_timing
from runner.plan.explain import Explainer
from runner.plan.records import Plan, Stage
from runner.report.plan import Outlook, StageOutlook, TimingOutlook
from runner.spec.model import Spec
from runner.store.artifacts import Artifact, ArtifactStore
from runner.store.runs import Run, newest_result, was_cut_short

# Artifacts that a missing stage is compared with, to say what has changed.
_MOST_COMPARED = 40
# Why a stage is done that has an input of that kind which is yet to be made.
_NEW = {
    "data": "its data is new",
    "features": "its features are new",
    "load": "its model is new",
    "train": "its training is new",
    "snapshot": "its snapshot is new",
    "compress": "its compression is new",
    "adopt": "its model is new",
    "convert": "its conversion is new",
}


def foresee(spec: Spec, plan: Plan, store: ArtifactStore, run: Run | None, runs: Path) -> Outlook:
    """What a bench would do.

    Args:
        run: the newest run of this very experiment, if there is one.
        runs: the folder of all runs of this spec.
    """
    past = {kind: _Past.of(store, kind) for kind in {stage.kind for stage in plan.stages.values()}}
    return Outlook(
        name=spec.name,
        question=spec.question,
        variants=len(spec.variants),
        aliases=dict(spec.aliases),
        stages=tuple(_outlooks(plan, past)),
        timing=_timing(spec, run, runs),
    )


@dataclass(frozen=True)
class _Past:
    """What was made of one kind of stage.

    Attributes:
        there: by its key; all of its files are there.
        known: the newest ones, damaged ones among them, which explain what is missing.
    """

    there: Mapping[str, Artifact]
    known: Sequence[Artifact]
    explainer: Explainer

    @classmethod
    def of(cls, store: ArtifactStore, kind: str) -> _Past:
        survey = list(store.survey(kind))
        known = [artifact for artifact, _ in survey[:_MOST_COMPARED]]
        there = {artifact.key: artifact for artifact, is_whole in survey if is_whole}
        return cls(there, known, Explainer([artifact.identity for artifact in known]))


def _outlooks(plan: Plan, past: Mapping[str, _Past]) -> Iterator[StageOutlook]:
    """In the plan's order, so that what a stage is made of comes before it."""
    to_run: dict[str, str] = {}
    for stage in plan.stages.values():
        made_anew = [to_run[key] for key in stage.inputs.values() if key in to_run]
        outlook = _outlook(stage, past[stage.kind])
        if not outlook.cached:
            to_run[stage.key] = stage.kind
            if made_anew:
                outlook = replace(outlook, reason=_NEW[made_anew[0]])
        yield outlook


def _outlook(stage: Stage, past: _Past) -> StageOutlook:
    found = past.there.get(stage.key)
    like = None
    if found is None and (nearest := past.explainer.nearest(stage.identity)) is not None:
        like = past.known[nearest]
    return StageOutlook(
        key=stage.key,
        kind=stage.kind,
        label=stage.label,
        inputs=tuple(stage.inputs.values()),
        variants=len(stage.variants),
        cached=found is not None,
        reason=f"made {found.created}" if found else past.explainer.explain(stage.identity),
        seconds=like.seconds * _scale(stage.identity, like.identity) if like else None,
        bytes=like.bytes if like else None,
        note=stage.note,
    )


def _scale(identity: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """How much longer a stage takes than a similar one did: training goes by its epochs."""
    if identity["stage"] != "train":
        return 1.0
    epochs, before = (one["params"]["train"]["epochs"] for one in (identity, other))
    return float((1 + epochs) / (1 + before))


def _timing(spec: Spec, run: Run | None, runs: Path) -> TimingOutlook:
    forecast = foresee_timing(
        spec.measure, len(spec.variants), len(spec.pairs), _experience(spec, run, runs)
    )
    done = _blocks_done(run.journal.events()) if run else 0
    return TimingOutlook(
        forecast=forecast,
        run_id=run.run_id if run else "",
        blocks_done=done,
        is_finished=_is_finished(run, spec, forecast, done),
        max_time_s=spec.measure.max_time_s,
    )


def _experience(spec: Spec, run: Run | None, runs: Path) -> Experience:
    """From this experiment's own result, else from the newest of this spec, else assumed."""
    results: Sequence[dict[str, Any] | None] = [
        run.result() if run else None,
        (newest_result(runs) or (None, None))[0],
    ]
    known = (experience_of(result) for result in results if result is not None)
    return next((one for one in known if one), assumed(spec.measure))


def _blocks_done(events: Iterable[Mapping[str, Any]]) -> int:
    """How many blocks count: those from before a longer warm-up don't."""
    done = 0
    for event in events:
        if event["event"] == "warmup_lengthened":
            done = 0
        done += event["event"] == "block" and not event["reasons"]
    return done


def _is_finished(run: Run | None, spec: Spec, forecast: Forecast, done: int) -> bool:
    """Whether bench would show the result and time nothing: it asks for no more than was done."""
    result = run.result() if run else None
    if result is None or was_cut_short(result):
        return False
    if any(variant["status"] != "done" for variant in result["variants"]):
        return False
    if spec.measure.sustained_s and not all(one.get("throughput") for one in result["variants"]):
        return False
    if result["blocks"]["stopped"] == "precise":
        return done >= spec.measure.min_blocks
    if result["blocks"]["stopped"] == "blocks":
        return done >= spec.measure.max_blocks
    return bool(
        result["blocks"]["elapsed_s"] + forecast.arms * forecast.experience.process_s
        > spec.measure.max_time_s
    )
