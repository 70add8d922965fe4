"""Retime in one page: load, plan, build, time, analyse, report."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.errors import ArgumentError, ExitCode, InterruptedRunError
from runner.interrupts import heard
from runner.plan.abilities import refusals
from runner.plan.stages import Plan, make_plan
from runner.report.console import print_report
from runner.report.plan import Outlook
from runner.report.progress import make_display
from runner.spec.model import Spec
from runner.steps.foreseeing import foresee
from runner.steps.surroundings import check_libraries, find_libraries, look_around
from runner.store.artifacts import ArtifactStore
from runner.store.journal import now
from runner.store.locks import folder_lock, timing_lock
from runner.store.runs import Run, RunStore, newest_result
from runner.timing.host import describe_host
from runner.timing.libraries import RuntimeLibrary
from runner.timing.protocol import DELAYED, IDENTICAL


@dataclass(frozen=True)
class Places:
    """Where things are kept.

    Attributes:
        runs: one folder a spec, one folder a run.
        cache: artifacts, shared by all specs.
    """

    runs: Path
    cache: Path


def bench(
    spec: Spec, places: Places, console: Console, *, command: str, fresh: bool = False
) -> ExitCode:
    """Answers a spec's question: builds what is missing, times, reports.

    Args:
        command: what was called, which goes on where it was interrupted.
        fresh: measure anew although this experiment was already finished.

    Raises:
        RetimeError: this machine or this version can't do what the spec asks for.
    """
    _check_abilities(spec)
    libraries = find_libraries(spec)
    plan = make_plan(spec, look_around(spec, libraries))
    store = RunStore(places.runs, spec.name)
    with folder_lock(store.folder, _told(console, "works on this spec")):
        run = None if fresh else store.latest(plan.experiment_key)
        if run and (known := _standing_result(run, spec)):
            console.print(f"Measured {known['finished']}; --fresh measures anew.", highlight=False)
            print_report(console, known, run.folder)
            return exit_code(known)
        check_libraries(libraries.values(), store.folder)
        run = run or _begin(store, spec, plan)
        try:
            # Building would disturb another bench's timing as much as timing would.
            with timing_lock(_told(console, "is at work on this machine")):
                run, result = _work(spec, plan, libraries, run, places, console)
        except KeyboardInterrupt:
            heard()
            raise _interrupted(run, command) from None
    print_report(console, result, run.folder)
    return exit_code(result)


def foresee_bench(spec: Spec, places: Places) -> Outlook:
    """What a bench would do, and why; runs nothing."""
    plan = make_plan(spec, look_around(spec, find_libraries(spec)))
    store = RunStore(places.runs, spec.name)
    run = store.latest(plan.experiment_key)
    outlook = foresee(spec, plan, ArtifactStore(places.cache), run, store.folder)
    return replace(outlook, refusals=tuple(refusals(spec)))


def find_result(folder: Path) -> tuple[dict[str, Any], Path]:
    """The result of an earlier run, and the run's folder.

    Args:
        folder: a run's, or that of all runs of a spec, whose newest result is meant.

    Raises:
        ArgumentError: there is no result.
    """
    found = newest_result(folder)
    if found is None:
        raise ArgumentError(
            "there is no result",
            where=str(folder),
            remedy="name the folder of a run that has a result.json, such as runs/NAME/RUN",
        )
    return found


def _work(
    spec: Spec,
    plan: Plan,
    libraries: Mapping[str, RuntimeLibrary],
    run: Run,
    places: Places,
    console: Console,
) -> tuple[Run, dict[str, Any]]:
    # What only a run that works needs is imported here: SciPy takes a quarter of a second.
    from runner.steps.assembling import Circumstances, assemble
    from runner.steps.building import build_variants
    from runner.steps.measuring import measure
    from runner.steps.publishing import publish
    from runner.steps.questioning import covers, make_question
    from runner.timing.targets.local import LocalTarget

    with make_display(console) as display:
        display.say(f"{spec.name}: {len(spec.variants)} variants, run {run.run_id}")
        run.begin_stay(spec.source, spec.others, host=describe_host())
        built = build_variants(plan, ArtifactStore(places.cache), libraries, run, display)
        question = make_question(spec, built, libraries, run)
        if question and not covers(run, question):
            # A variant was mended since: it is timed beside the others, not after them.
            run = _begin(RunStore(places.runs, spec.name), spec, plan)
            run.begin_stay(spec.source, spec.others, host=describe_host())
        target = LocalTarget(run.logs / "time.log")
        experiment = measure(question, run, target, display) if question else None
    started, host = run.beginnings()
    circumstances = Circumstances(started, now(), host, libraries, run.schedule_seed)
    result = assemble(spec, built, experiment, run, circumstances)
    run.write_result(result)
    publish(result, run)
    run.journal.append("finished", proven=result["proven"])
    return run, result


def _check_abilities(spec: Spec) -> None:
    asked = refusals(spec)
    if asked:
        raise ArgumentError(
            "this version can't carry out all that the spec asks for",
            where=str(spec.path),
            why=", ".join(asked),
            remedy="leave it out, or install a version that can; the spec itself is valid",
        )


def exit_code(result: dict[str, Any]) -> ExitCode:
    """What the whole run amounts to."""
    if any(variant["status"] != "done" for variant in result["variants"]):
        return ExitCode.VARIANTS_FAILED
    if any(expectation["holds"] is not True for expectation in result["expectations"]):
        return ExitCode.EXPECTATION_FAILED
    return ExitCode.DONE


def _begin(store: RunStore, spec: Spec, plan: Plan) -> Run:
    seed = spec.measure.seed
    return store.create(
        plan.experiment_key,
        {
            "arms": [*(variant.name for variant in spec.variants), IDENTICAL, DELAYED],
            "schedule_seed": secrets.randbits(32) if seed is None else seed,
            "variants": {name: dict(keys) for name, keys in plan.of_variant.items()},
            "stages": {key: dict(stage.identity) for key, stage in plan.stages.items()},
        },
    )


def _standing_result(run: Run, spec: Spec) -> dict[str, Any] | None:
    """The run's result if it answers this very spec and there is nothing to do again."""
    result = run.result()
    if result is None or result["spec_sha256"] != spec.sha256:
        return None
    whole = all(variant["status"] == "done" for variant in result["variants"])
    return result if whole and result["blocks"]["stopped"] != "disturbed" else None


def _interrupted(run: Run, command: str) -> InterruptedRunError:
    return InterruptedRunError(
        "interrupted; everything finished is kept",
        where=str(run.folder),
        remedy=f"the same command, without --fresh, goes on where it stopped: {command}",
    )


def _told(console: Console, what: str) -> Any:
    return lambda owner: console.print(f"Waiting: {owner} {what}.", highlight=False)
