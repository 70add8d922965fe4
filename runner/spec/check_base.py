"""Rules about the options of an architecture, and about which of its layers are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec.architectures import ARCHITECTURES, Architecture
from runner.spec.check import Check, Findings
from runner.spec.check_model import expression_findings
from runner.spec.document import Finding, Keys
from runner.spec.guess import listed
from runner.spec.parts import Parts

_BASE = ("model", "base")


def _alpha(parts: Parts) -> Findings:
    base = parts["model.base"]
    architecture, alpha = ARCHITECTURES[base["architecture"]], base.get("alpha")
    path, name = (*_BASE, "alpha"), architecture.name
    if alpha is not None and not architecture.has_alpha:
        remedy = "remove it; to compare it with another architecture, make model.base the axis"
        yield Finding(path, f"{name} has no alpha", remedy, at_key=True)
    elif architecture.has_alpha and alpha is None:
        remedy = "add it, for example alpha: 1.0"
        yield Finding(path, f"missing; {name} needs a width multiplier", remedy, at_key=True)
    elif alpha is not None:
        yield from _alpha_value(architecture, alpha, base["weights"])


def _alpha_value(architecture: Architecture, alpha: float, weights: str) -> Findings:
    path, name = (*_BASE, "alpha"), architecture.name
    smallest = architecture.smallest_alpha or 0.0
    known = [f"{width:g}" for width in architecture.imagenet_alphas]
    if alpha < smallest:
        message = f"{alpha:g} leaves {name} without filters; it needs {smallest:g} at the least"
        yield Finding(path, message, f"for example alpha: {architecture.imagenet_alphas[0]:g}")
    elif weights == "imagenet" and alpha not in architecture.imagenet_alphas:
        message = f"Keras has no ImageNet weights for {name} with alpha {alpha:g}"
        yield Finding(path, message, f"use {listed(known)}, or weights: none")


def _trainable(parts: Parts) -> Findings:
    yield from _policy(parts["model.trainable"], parts["model.base"], ("model", "trainable"))


def _phases(parts: Parts) -> Findings:
    for index, phase in enumerate(parts["train"]["phases"]):
        if "trainable" in phase:
            path = ("train", "phases", index, "trainable")
            yield from _policy(phase["trainable"], parts["model.base"], path)


def _policy(trainable: str | Mapping[str, Any], base: Mapping[str, Any], path: Keys) -> Findings:
    if isinstance(trainable, str):
        return
    architecture = ARCHITECTURES[base["architecture"]]
    if trainable.get("last", 0) > architecture.most_layers:
        message = (
            f"{trainable['last']} is more than the {architecture.layers} layers"
            f" of {architecture.name}"
        )
        yield Finding((*path, "last"), message, "write a smaller number, or trainable: all")
    if "match" in trainable:
        yield from expression_findings(trainable["match"], (*path, "match"))


CHECKS = (
    Check(_alpha, ("model.base",)),
    Check(_trainable, ("model.base", "model.trainable")),
    Check(_phases, ("model.base", "train")),
)
