"""Runs a model over a test split through the harness: the very path that is timed.

It happens in a process of its own (`evaluation_worker`), since a library can crash on a model.
"""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runner.endings import check_start, killed
from runner.errors import StageError
from runner.spec.architectures import Scaling
from runner.timing.process import run_watched

# Images that are kept as the model takes them, to be timed with.
KEPT_INPUTS = 16


@dataclass(frozen=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        images: path of a .npy file, uint8, shape (samples, height, width, 3); empty where there
            are none. Without any, and with several inputs or outputs, the model is looked at, and
            nothing is scored: `samples` is 0.
        scaling: how pixels become the model's input.
        output: an existing folder that receives `facts.json` and, where it is scored,
            `input.bin` (the first few images as the model takes them, end to end) and `scores.npy`
            (float32, (samples, classes), after dequantization).
        options: fields of `RuntimeOptions`, by name.
    """

    model: str
    images: str
    scaling: Scaling
    library: str
    delegate: str
    threads: int
    output: str
    options: dict[str, Any] = field(default_factory=dict)


def evaluate(
    evaluation: Evaluation,
    *,
    variant: str,
    log: Path,
    timeout_s: float,
    memory_bytes: int | None,
    unwanted: threading.Event,
) -> dict[str, Any]:
    """Evaluates in a process of its own and returns the facts it wrote; in any thread.

    Args:
        unwanted: set when nobody waits for it any longer.

    Raises:
        StageError: the library refused the model, crashed on it, or took too long; or `unwanted`
            was set.
    """
    try:
        ended = run_watched(
            "runner.timing.evaluation_worker",
            stdin=json.dumps(asdict(evaluation)),
            log=log,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            unwanted=unwanted,
        )
    except OSError as error:
        check_start(error, "evaluate", where=variant, log=str(log))
        raise
    if ended.returncode == 0:
        facts: dict[str, Any] = json.loads(
            Path(evaluation.output, "facts.json").read_text(encoding="utf-8")
        )
        return facts
    if ended.excess is not None:
        excess = ended.excess
        raise StageError(
            excess.what,
            stage="evaluate",
            kind=excess.kind,
            why=excess.why,
            where=variant,
            log=str(log),
            remedy=excess.remedy,
        )
    refused = _last_words(ended.output)
    if ended.returncode == -signal.SIGKILL:
        raise killed("evaluate", "the evaluation", where=variant, log=str(log))
    how = ended.signal_name or f"exit code {ended.returncode}"
    crashed = f"the runtime crashed with {how} on this model"
    raise StageError(
        refused.get("what", f"{refused['step']} failed" if "step" in refused else crashed),
        stage="evaluate",
        kind=refused.get("kind", "refused" if refused else "crashed"),
        why=refused.get("why", ""),
        where=variant,
        log=str(log),
        remedy=refused.get("remedy", "try another quantization mode or delegate for this model"),
    )


def _last_words(output: str) -> dict[str, str]:
    try:
        words: dict[str, str] = json.loads(output)
    except json.JSONDecodeError:
        return {}
    return words
