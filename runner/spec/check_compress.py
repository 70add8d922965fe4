"""Rules about the steps of compression: order, options, and the networks that can be given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec import check_base, check_model
from runner.spec.architectures import ARCHITECTURES
from runner.spec.check import Check, Findings
from runner.spec.check_model import expression_findings, is_tflite
from runner.spec.document import Finding, Keys
from runner.spec.parts import GIVEN, Parts
from runner.spec.terms import SELECTIVE_MODES, TWIN_ACTIVATIONS

# Steps that leave weights as any further training would not.
_UNDONE_BY_DISTILLING = ("prune", "cluster")
# Steps that a library does which knows other networks than Keras: see `runner.build.twins`.
_ON_A_TWIN = ("prune", "cluster", "quantization_aware")


def _compression(parts: Parts) -> Findings:
    names = [next(iter(step)) for step in parts["compress"]]
    for index, step in enumerate(parts["compress"]):
        ((name, options),) = step.items()
        path: Keys = ("compress", index, name)
        if name in names[:index]:
            message = f"{name} stands twice in the list"
            yield Finding(path, message, "keep one", at_key=True)
        if name == "quantization_aware" and index < len(names) - 1:
            message = "quantization-aware training comes last: what follows would undo it"
            yield Finding(path, message, "move it to the end of the list", at_key=True)
        undone = [one for one in names[:index] if one in _UNDONE_BY_DISTILLING]
        if name == "distill" and undone:
            message = f"distillation after {undone[0]} would undo it"
            yield Finding(path, message, "put distill first in the list", at_key=True)
        if "layers" in options:
            yield from expression_findings(options["layers"], (*path, "layers"))
        if name == "prune":
            yield from _pruning(options, path)
        if name == "distill":
            yield from _teacher(options["teacher"], (*path, "teacher"), parts)


def _pruning(options: Mapping[str, Any], path: Keys) -> Findings:
    if options["start"] > options["sparsity"]:
        message = f"starts above the sparsity of {options['sparsity']:.0%} that it is to reach"
        yield Finding((*path, "start"), message, "write a smaller share")
    if options["pattern"] == "2_of_4" and options["sparsity"] != 0.5:
        message = "two of every four weights are a sparsity of 50%"
        yield Finding((*path, "sparsity"), message, "write sparsity: 50%, or another pattern")


def _teacher(teacher: Mapping[str, Any], path: Keys, parts: Parts) -> Findings:
    """A teacher is a model, and what holds for a model holds for it."""
    file = teacher.get("file")
    if file is not None and "base" in teacher:
        message = "a teacher comes from a file or has a base, not both"
        yield Finding((*path, "file"), message, "remove one", at_key=True)
    elif file is not None and is_tflite(file):
        message = "a .tflite file can't teach: it gives no logits to learn from"
        yield Finding((*path, "file"), message, "name a Keras file")
    else:
        its: dict[str, Any] = {f"model.{name}": part for name, part in teacher.items()}
        given = frozenset({"model.base" if file is None else "model.file"})
        its |= {GIVEN: given} | ({"data": parts["data"]} if "data" in parts else {})
        for check in (*check_model.CHECKS, *check_base.CHECKS):
            if all(name in its for name in check.needs):
                for finding in check.run(its):
                    is_its = finding.path[0] == "model"
                    yield finding._replace(path=(*path, *finding.path[1:])) if is_its else finding
        if "base" in teacher and "trainable" not in teacher and "train" in parts:
            yield from _taught_phases(teacher["base"], (*path, "base"), parts)


def _taught_phases(base: Mapping[str, Any], path: Keys, parts: Parts) -> Findings:
    """Phases that say which layers are trained hold for a teacher that does not say it itself."""
    for finding in check_base.phase_findings(base, parts["train"]):
        index = finding.path[2]
        message = f"train.phases[{index}] can't train this teacher: {finding.message}"
        remedy = "give the teacher a trainable of its own, which holds in all phases"
        yield Finding((*path, "architecture"), message, remedy)


def _compressed_modes(parts: Parts) -> Findings:
    names = [next(iter(step)) for step in parts["compress"]]
    mode = parts["quantize"]["mode"]
    if "quantization_aware" not in names:
        return
    if mode not in SELECTIVE_MODES:
        message = f"quantization_aware trains for int8, but quantize is {mode}"
        yield Finding(("compress",), message, "write quantize: int8")
    elif parts["quantize"]["keep_float"]:
        message = "says nothing about a network that was trained quantized"
        remedy = "remove it, and name the layers that are: quantization_aware: {layers: EXPRESSION}"
        yield Finding(("quantize", "keep_float"), message, remedy, at_key=True)


def _twins(parts: Parts) -> Findings:
    """Networks that the library that compresses can't be given."""
    base = parts["model.base"]
    architecture = ARCHITECTURES[base["architecture"]]
    has_twin = architecture.has_twin(base)
    for index, step in enumerate(parts["compress"]):
        ((name, options),) = step.items()
        path: Keys = ("compress", index, name)
        is_whole = name == "quantization_aware" and "layers" not in options
        if has_twin and is_whole and not architecture.is_wholly_aware:
            message = f"{architecture.name} has layers that {name} can't be given"
            remedy = "name those that it can: {layers: EXPRESSION}; or quantize after training"
            yield Finding(path, message, remedy, at_key=True)
        elif not has_twin and name in _ON_A_TWIN:
            message = f"{architecture.name} has layers that {name} can't be given"
            remedy = "choose a MobileNetV2, for example; distill and quantize take any network"
            yield Finding(path, message, remedy, at_key=True)


def _twin_heads(parts: Parts) -> Findings:
    """Functions in a head that the library that compresses does not know, or knows differently."""
    names = [next(iter(step)) for step in parts["compress"]]
    step = next((name for name in names if name in _ON_A_TWIN), None)
    if step is None:
        return
    for index, layer in enumerate(parts["model.head"]):
        ((kind, options),) = layer.items()
        for option in ("activation", "function"):
            function = options.get(option)
            if function is not None and function not in TWIN_ACTIVATIONS:
                path = ("model", "head", index, kind, option)
                message = f"{step} can't be given a layer with {function}"
                yield Finding(path, message, f"for example {option}: relu6")


CHECKS = (
    Check(_compression, ("compress",), ("data", "train")),
    Check(_compressed_modes, ("compress", "quantize")),
    Check(_twins, ("compress", "model.base")),
    Check(_twin_heads, ("compress", "model.head")),
)
