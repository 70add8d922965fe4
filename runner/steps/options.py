"""From the spec's words on runtime and inputs to the fields of a timing job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.spec.measurement import Measure, Runtime
from runner.timing.evaluation import KEPT_INPUTS
from runner.units import NS_PER_S

_NICE = {"normal": "", "high": "-10", "realtime": "realtime"}


def session_options(runtime: Mapping[str, Any]) -> dict[str, Any]:
    """How a model is made ready, as `RuntimeOptions` has it.

    A weight cache is left out: it changes how fast a session starts, not what it computes.

    Args:
        runtime: a `runner.spec.measurement.Runtime` as JSON.
    """
    delegate = runtime["delegate"]["options"]
    return {
        "call": runtime["call"],
        "signature": runtime["signature"] or "",
        "flags": " ".join(delegate.get("flags", ())),
        "delegate_path": delegate.get("path", ""),
        "delegate_options": {
            name: _written(value) for name, value in delegate.get("options", {}).items()
        },
    }


def job_options(
    runtime: Runtime, measure: Measure, *, has_images: bool, cache: Path
) -> tuple[tuple[str, Any], ...]:
    """What a job of a variant says beside its files, delegate and threads, as `Job` has it.

    Args:
        has_images: whether there is a file of inputs; without one, `real` means random.
        cache: the file of the variant's weight cache, where it wants one.
    """
    session = session_options(asdict(runtime))
    kind = runtime.delegate.options.get("weight_cache", "none")
    options = session | {
        "delegate_options": tuple(f"{k}={v}" for k, v in session["delegate_options"].items()),
        "weight_cache": {"none": "", "memory": "memory", "file": str(cache)}[kind],
        "affinity": runtime.affinity or (),
        "priority": _NICE[runtime.priority],
        "lock_memory": runtime.lock_memory,
        "flush_to_zero": runtime.flush_to_zero,
        "inputs": _inputs(measure.inputs, has_images=has_images),
        "input_sets": KEPT_INPUTS if measure.inputs == "rotating" else 1,
        "run_gap_ns": round(measure.run_gap_s * NS_PER_S),
        "flush_caches": measure.flush_caches,
    }
    return tuple(options.items())


def _inputs(wanted: str, *, has_images: bool) -> str:
    return "random" if wanted == "real" and not has_images else wanted


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
