"""Rules about the options of an architecture, and about which of its layers are trained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from runner.spec.architectures import ARCHITECTURES, Architecture, Option
from runner.spec.check import Check, Findings
from runner.spec.check_model import expression_findings
from runner.spec.document import Finding, Keys, shorten
from runner.spec.guess import did_you_mean, listed
from runner.spec.layers import layer_names
from runner.spec.parts import Parts

_BASE = ("model", "base")
_OPTIONS = ("depth_multiplier", "minimalistic")
_MOST_NAMES = 6
_PATIENCE_S = 0.25


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
    elif alpha is not None and alpha < (architecture.smallest_alpha or 0.0):
        smallest = architecture.smallest_alpha
        message = f"{alpha:g} leaves {name} without filters; it needs {smallest:g} at the least"
        yield Finding(path, message, f"for example alpha: {architecture.imagenet_alphas[0]:g}")


def _options(parts: Parts) -> Findings:
    base = parts["model.base"]
    architecture = ARCHITECTURES[base["architecture"]]
    for name in _OPTIONS:
        option = architecture.option(name)
        if name in base and option is None:
            having = [one.name for one in ARCHITECTURES.values() if one.option(name)]
            message = f"{architecture.name} has no {name}; it belongs to {listed(having, 'and')}"
            yield Finding((*_BASE, name), message, "remove it", at_key=True)


def _imagenet(parts: Parts) -> Findings:
    """Weights exist for some widths and options only."""
    base = parts["model.base"]
    architecture, alpha = ARCHITECTURES[base["architecture"]], base.get("alpha")
    if base["weights"] != "imagenet":
        return
    for option in architecture.options:
        value = base.get(option.name, option.default)
        if not option.imagenet_alphas.get(value):
            chosen = _said(option, value)
            message = f"Keras has no ImageNet weights for {architecture.name} with {chosen}"
            yield Finding((*_BASE, option.name), message, "remove it, or write weights: none")
            return
    known = architecture.imagenet_alphas_with(base)
    if alpha is not None and known and alpha not in known:
        message = f"Keras has no ImageNet weights for {architecture.name} with alpha {alpha:g}"
        also = [_said(one, base[one.name]) for one in architecture.options if one.name in base]
        message += f" and {listed(also, 'and')}" if also else ""
        widths = listed([f"{width:g}" for width in known])
        yield Finding((*_BASE, "alpha"), message, f"use {widths}, or weights: none")


def _said(option: Option, value: bool | int) -> str:  # noqa: FBT001 - a switch's value or a number
    written = str(value).lower() if option.is_switch else str(value)
    return f"{option.name}: {written}"


def _trainable(parts: Parts) -> Findings:
    yield from _policy(parts["model.trainable"], parts["model.base"], ("model", "trainable"))


def _phases(parts: Parts) -> Findings:
    yield from phase_findings(parts["model.base"], parts["train"])


def phase_findings(base: Mapping[str, Any], train: Mapping[str, Any]) -> Findings:
    """Phases that ask for layers which a base does not have; at the phases' own paths."""
    for index, phase in enumerate(train["phases"]):
        if "trainable" in phase:
            path = ("train", "phases", index, "trainable")
            yield from _policy(phase["trainable"], base, path)


def _policy(trainable: str | Mapping[str, Any], base: Mapping[str, Any], path: Keys) -> Findings:
    """Whether the layers that are to be trained are there."""
    if isinstance(trainable, str):
        return
    ((policy, argument),) = trainable.items()
    architecture, place = ARCHITECTURES[base["architecture"]], (*path, policy)
    if policy == "match":
        wrong = list(expression_findings(argument, place))
        yield from wrong
        if wrong:
            return
    names = _names(architecture, base)
    if policy == "last" and argument > len(names):
        message = f"{argument} is more than the {len(names)} layers of {architecture.name}"
        yield Finding(place, message, "write a smaller number, or trainable: all")
    elif policy == "from" and argument not in names:
        message = f"{architecture.name} has no layer {shorten(argument)}"
        message += did_you_mean(argument, reversed(names))
        yield Finding(place, message, f"its last layers are {_last(names)}")
    elif policy == "match":
        yield from _match(argument, names, architecture.name, place)


def _match(expression: str, names: Sequence[str], network: str, place: Keys) -> Findings:
    """Whether some layer matches, found out within a time that no sound expression needs."""
    import regex

    end = time.monotonic() + _PATIENCE_S
    try:
        is_found = any(
            regex.fullmatch(expression, name, timeout=max(1e-3, end - time.monotonic()))
            for name in names
        )
    except TimeoutError:
        message = "takes too long to match: repetitions inside of repetitions explode"
        yield Finding(place, message, "write it without a group that is repeated inside of another")
        return
    except regex.error as error:
        message = f"not a regular expression: {shorten(str(error))}"
        yield Finding(place, message, "put a backslash before ( [ * + ? and .")
        return
    if not is_found:
        message = f"no layer of {network} has a name that matches as a whole"
        yield Finding(place, message, f"names look like {_last(names)}")


def _names(architecture: Architecture, base: Mapping[str, Any]) -> tuple[str, ...]:
    alpha = base.get("alpha") if architecture.has_alpha else None
    options = {one.name: base[one.name] for one in architecture.options if one.name in base}
    return layer_names(
        architecture.name,
        alpha=1.0 if architecture.has_alpha and alpha is None else alpha,
        weights=base["weights"],
        options=options,
    )


def _last(names: Sequence[str]) -> str:
    return ", ".join(names[-_MOST_NAMES:])


CHECKS = (
    Check(_alpha, ("model.base",)),
    Check(_options, ("model.base",)),
    Check(_imagenet, ("model.base",)),
    Check(_trainable, ("model.base", "model.trainable")),
    Check(_phases, ("model.base", "train")),
)
