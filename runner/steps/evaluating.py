"""Runs a converted model over the test split, through the runtime that is timed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import StageError
from runner.plan.records import Stage
from runner.spec.measurement import StageLimits
from runner.steps.deadline import Deadline
from runner.steps.options import session_options
from runner.store.artifacts import Artifact
from runner.timing.evaluation import Evaluation, evaluate
from runner.timing.libraries import RuntimeLibrary


def evaluate_stage(
    stage: Stage,
    inputs: Mapping[str, Artifact],
    library: RuntimeLibrary,
    draft: Path,
    *,
    log: Path,
    limits: StageLimits,
    deadline: Deadline,
    unwanted: threading.Event,
) -> dict[str, Any]:
    """What the runtime says of the model (`facts`) and how well it answers (`accuracy`).

    A model with several inputs or outputs is not scored, images or not.

    Args:
        inputs: `model`, and where there are images `data` and what was trained (`reference`).
        draft: where its answers are kept.
        unwanted: set when nobody waits for it any longer.

    Raises:
        OutOfTimeError: the deadline came before it was done.
        StageError: the runtime can't run the model, or its answers fit no class.
    """
    data, reference = inputs.get("data"), inputs.get("reference")
    runtime = stage.params["runtime"]
    evaluation = Evaluation(
        model=str(inputs["model"].file("model.tflite")),
        images=str(data.file("test_images.npy")) if data else "",
        scaling=stage.params["scaling"],
        library=library.path,
        delegate=runtime["delegate"]["name"],
        options=session_options(runtime),
        threads=runtime["threads"],
        output=str(draft),
    )
    try:
        facts = evaluate(
            evaluation,
            variant=", ".join(stage.variants),
            log=log,
            timeout_s=min(limits.stage_time_s, deadline.left_s),
            memory_bytes=limits.memory_bytes,
            unwanted=unwanted,
        )
    except StageError as error:
        if error.kind == "timeout":
            # It may have been the time allowed in all that was up, and no fault of the stage.
            deadline.check()
        raise
    if data is None or not facts["samples"]:
        return {"facts": facts, "accuracy": None}
    from runner.steps.scoring import compare_answers

    return {"facts": facts, "accuracy": compare_answers(reference, draft, data, stage)}
