"""What the spec language can say and this version can't carry out. Pure.

The language is whole before every part of the machinery is: a spec that asks for more than there is
gets a clear refusal before anything runs, never a result of something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from runner.spec.model import Runtime, Spec, Variant


def refusals(spec: Spec) -> list[str]:
    """What this version can't carry out, each as the field and what it asks for; empty for none."""
    found = dict.fromkeys(text for variant in spec.variants for text in _of_variant(variant, spec))
    return [*found, *_of_measure(spec), *_of_report(spec)]


def _of_variant(variant: Variant, spec: Spec) -> Iterator[str]:
    if variant.train.seeds > 1:
        yield "train.seeds"
    if variant.target != "local":
        yield f"target: {variant.target} ({spec.targets[variant.target].kind})"
    yield from _of_runtime(variant.runtime)


def _of_runtime(runtime: Runtime) -> Iterator[str]:
    for name, asked in (
        (f"library: {runtime.library}", runtime.library != "tflite"),
        (f"delegate: {runtime.delegate.name}", runtime.delegate.name == "external"),
        ("delegate.xnnpack.flags", runtime.delegate.options.get("flags")),
        ("delegate.xnnpack.weight_cache", runtime.delegate.options.get("weight_cache")),
        ("affinity", runtime.affinity),
        (f"call: {runtime.call}", runtime.call != "interpreter"),
        (f"flush_to_zero: {runtime.flush_to_zero}", runtime.flush_to_zero != "default"),
        (f"priority: {runtime.priority}", runtime.priority != "normal"),
        ("lock_memory", runtime.lock_memory),
    ):
        if asked:
            yield f"runtime.{name}"


def _of_measure(spec: Spec) -> Iterator[str]:
    measure = spec.measure
    if measure.inputs not in {"real"}:
        yield f"measure.inputs: {measure.inputs}"
    if measure.run_gap_s:
        yield "measure.run_gap"
    if measure.flush_caches:
        yield "measure.flush_caches"


def _of_report(spec: Spec) -> Iterator[str]:
    for name in spec.report.formats:
        yield f"report.formats: {name}"
    if spec.report.percentiles:
        yield "report.percentiles"
    if spec.report.sort != "spec":
        yield f"report.sort: {spec.report.sort}"
