"""What the spec language can say and this version can't carry out. Pure.

The language is whole before every part of the machinery is: a spec that asks for more than there is
gets a clear refusal before anything runs, never a result of something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from runner.spec.model import Runtime, Spec, Train, Variant

_SOURCES = ("digits",)
_LOSSES = ("cross_entropy",)


def refusals(spec: Spec) -> list[str]:
    """What this version can't carry out, each as the field and what it asks for; empty for none."""
    found = dict.fromkeys(text for variant in spec.variants for text in _of_variant(variant, spec))
    return [*found, *_of_measure(spec)]


def _of_variant(variant: Variant, spec: Spec) -> Iterator[str]:
    data = variant.data
    if data and data.source.kind not in _SOURCES:
        yield f"data.source: {data.source.kind}"
    if data and data.limit is not None:
        yield "data.limit"
    if variant.model.file and not variant.model.is_tflite:
        yield "model.file of Keras"
    if variant.model.freeze_batch_norm:
        yield "model.freeze_batch_norm"
    yield from _of_training(variant.train)
    for step in variant.compress:
        yield f"compress: {step.name}"
    if not variant.quantize.per_channel:
        yield "quantize.per_channel: false"
    if variant.quantize.keep_float:
        yield "quantize.keep_float"
    if variant.target != "local":
        yield f"target: {variant.target} ({spec.targets[variant.target].kind})"
    yield from _of_runtime(variant.runtime)


def _of_training(train: Train) -> Iterator[str]:
    for name, asked in (
        ("loss", train.loss.name not in _LOSSES or train.loss.options["label_smoothing"]),
        ("phases", train.phases),
        ("augment", train.augment),
        ("validation_fraction", train.validation_fraction),
        ("early_stopping", train.early_stopping),
        ("class_weights", train.class_weights != "none"),
    ):
        if asked:
            yield f"train.{name}"


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
