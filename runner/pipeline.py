"""Retime in one page: load, plan, build, time, analyse, report."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from runner.errors import ArgumentError, ExitCode, InterruptedRunError
from runner.interrupts import heard
from runner.plan.abilities import refusals
from runner.plan.records import Plan
from runner.plan.stages import make_plan
from runner.report.console import print_report
from runner.report.plan import Outlook
from runner.report.progress import Display
from runner.spec.model import Spec
from runner.steps.deadline import NEVER, Deadline
from runner.steps.foreseeing import foresee
from runner.steps.presence import presence
from runner.steps.retrying import Failures
from runner.steps.room import check_room, foresee_room
from runner.steps.surroundings import check_libraries, find_libraries, look_around
from runner.store.artifacts import ArtifactStore
from runner.store.journal import now
from runner.store.locks import folder_lock, timing_lock
from runner.store.runs import Run, RunStore, damage_of_result, newest_result, was_cut_short
from runner.store.usage import artifacts_in_use, forget_the_dead
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


@dataclass(frozen=True)
class Answer:
    """What a spec's question was answered with.

    Attributes:
        result: as `result.json` holds it.
        folder: the run's.
        is_new: whether anything was done for it; else it stood already.
    """

    result: dict[str, Any]
    folder: Path
    is_new: bool


def bench(
    spec: Spec,
    places: Places,
    console: Console,
    *,
    command: str,
    fresh: bool = False,
    verbose: bool = False,
) -> ExitCode:
    """Answers a spec's question and reports.

    Args:
        command: what was called, which goes on where it was interrupted.
        fresh: measure anew although this experiment was already finished.
        verbose: tell of each stage where its log is, and of each block why it was done again.

    Raises:
        RetimeError: this machine or this version can't do what the spec asks for.
    """
    with presence(console, places.runs, {"spec": spec.name}, verbose=verbose) as display:
        found = answer(spec, places, display, command=command, fresh=fresh)
    if not found.is_new:
        finished = found.result["finished"]
        console.print(f"Measured {finished}; --fresh measures anew.", highlight=False)
    print_report(console, found.result, found.folder)
    return exit_code(found.result)


def answer(
    spec: Spec,
    places: Places,
    display: Display,
    *,
    command: str,
    fresh: bool = False,
    deadline: Deadline = NEVER,
    failures: Failures | None = None,
) -> Answer:
    """Answers a spec's question: builds what is missing, times, analyses.

    Args:
        command: as for `bench`.
        fresh: as for `bench`.
        deadline: work that is not done by then is left as it is.
        failures: stages that other specs could not get either; more are added.

    Raises:
        OutOfTimeError: the deadline came before there was anything to show, or its turn to work.
        RetimeError: this machine or this version can't do what the spec asks for.
    """
    _check_abilities(spec)
    libraries = find_libraries(spec)
    plan = make_plan(spec, look_around(spec, libraries))
    store = RunStore(places.runs, spec.name)
    with folder_lock(
        store.folder,
        _told(display, "works on this spec"),
        deadline.wait_s,
        on_lockless=display.say,
    ):
        run = None if fresh else store.latest(plan.experiment_key)
        waits_for_cache = _told(display, "holds the cache")
        forget_the_dead(places.cache, waits_for_cache, deadline.wait_s)
        if run and (known := _standing_result(run, spec)):
            return Answer(known, run.folder, is_new=False)
        check_libraries(libraries.values(), store.folder)
        check_room(_outlook(spec, plan, places, run).rooms)
        run = run or _begin(store, spec, plan)
        try:
            # Building would disturb another bench's timing as much as timing would.
            with (
                timing_lock(_told(display, "is at work on this machine"), deadline.wait_s),
                artifacts_in_use(places.cache, plan.stages, waits_for_cache, deadline.wait_s),
            ):
                run, result = _work(
                    spec,
                    plan,
                    libraries,
                    run,
                    places,
                    display=display,
                    deadline=deadline,
                    failures=failures,
                )
        except KeyboardInterrupt:
            heard()
            raise _interrupted(run, command) from None
    return Answer(result, run.folder, is_new=True)


def foresee_bench(spec: Spec, places: Places) -> Outlook:
    """What a bench would do, and why; runs nothing."""
    plan = make_plan(spec, look_around(spec, find_libraries(spec)))
    store = RunStore(places.runs, spec.name)
    outlook = _outlook(spec, plan, places, store.latest(plan.experiment_key))
    return replace(outlook, refusals=tuple(refusals(spec)))


def find_result(run: Path, runs: Path) -> tuple[dict[str, Any], Path]:
    """The result of an earlier run, and the run's folder.

    Args:
        run: a run's folder, or that of all runs of a spec, whose newest result is meant; also as
            seen from `runs`, which is how `retime runs` names it.
        runs: the folder of all results.

    Raises:
        ArgumentError: there is no result, or it is not what was written.
    """
    if damage := damage_of_result(run) or damage_of_result(runs / run):
        raise damage
    found = newest_result(run) or newest_result(runs / run)
    if found is None:
        raise ArgumentError(
            "there is no result",
            where=str(run),
            remedy="name a run that has a result.json, such as runs/NAME/RUN; retime runs lists "
            "them",
        )
    return found


def _work(
    spec: Spec,
    plan: Plan,
    libraries: Mapping[str, RuntimeLibrary],
    run: Run,
    places: Places,
    *,
    display: Display,
    deadline: Deadline,
    failures: Failures | None,
) -> tuple[Run, dict[str, Any]]:
    # What only a run that works needs is imported here: SciPy takes a quarter of a second.
    from runner.steps.assembling import Circumstances, assemble
    from runner.steps.building import build_variants
    from runner.steps.measuring import measure
    from runner.steps.publishing import publish
    from runner.steps.questioning import covers, make_question
    from runner.store.history import note_run
    from runner.timing.targets.local import LocalTarget

    display.say(f"{spec.name}: {len(spec.variants)} variants, run {run.run_id}")
    run.begin_stay(spec.source, spec.others, host=describe_host())
    built = build_variants(
        plan,
        ArtifactStore(places.cache),
        libraries,
        run,
        display,
        spec.limits,
        deadline=deadline,
        failures=failures,
    )
    question = make_question(spec, built, libraries, run)
    if question and not covers(run, question):
        # A variant was mended since: it is timed beside the others, not after them.
        run = _begin(RunStore(places.runs, spec.name), spec, plan)
        run.begin_stay(spec.source, spec.others, host=describe_host())
    target = LocalTarget(run.logs / "time.log", spec.limits.memory_bytes)
    experiment = measure(question, run, target, display, deadline) if question else None
    started, host = run.beginnings()
    circumstances = Circumstances(started, now(), host, libraries, run.schedule_seed)
    result = assemble(spec, built, experiment, run, circumstances)
    run.write_result(result)
    publish(result, run)
    run.finish(proven=result["proven"])
    note_run(places.runs)
    return run, result


def _outlook(spec: Spec, plan: Plan, places: Places, run: Run | None) -> Outlook:
    """What a bench would do, and whether there is room for it."""
    runs = RunStore(places.runs, spec.name).folder
    outlook = foresee(spec, plan, ArtifactStore(places.cache), run, runs)
    return replace(outlook, rooms=foresee_room(spec, plan, outlook, run, places.cache, runs))


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
    if result["blocks"]["stopped"] == "deadline":
        return ExitCode.INTERRUPTED
    if result["blocks"]["stopped"] == "disturbed":
        return ExitCode.UNUSABLE_ENVIRONMENT
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
    return result if whole and not was_cut_short(result) else None


def _interrupted(run: Run, command: str) -> InterruptedRunError:
    return InterruptedRunError(
        "interrupted; everything finished is kept",
        where=str(run.folder),
        remedy=f"the same command, without --fresh, goes on where it stopped: {command}",
    )


def _told(display: Display, what: str) -> Callable[[str], None]:
    return lambda owner: display.say(f"Waiting: {owner} {what}.")
