"""What the schema can't say: rules about one variant that join several fields."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from runner.spec.architectures import ARCHITECTURES, Architecture
from runner.spec.complete import WORDS_FOR_WEIGHTS
from runner.spec.document import Finding, shorten
from runner.spec.guess import did_you_mean, listed
from runner.spec.parts import Parts
from runner.spec.sources import SOURCES

Findings = Iterator[Finding]

_WEIGHT_SUFFIXES = (".weights.h5", ".h5", ".hdf5", ".keras")
_BASE = ("model", "base")
_TRAINABLE = ("model", "trainable")
_MAPS_ONLY = ("global_average_pooling", "global_max_pooling", "flatten", "conv")
_VECTOR_ONLY = ("dense", "classifier")
_TO_VECTOR = ("global_average_pooling", "global_max_pooling", "flatten")


class Check(NamedTuple):
    """A rule, and the parts that it needs to be there."""

    needs: tuple[str, ...]
    run: Callable[[Parts], Findings]


def check_variant(parts: Parts) -> Findings:
    """Everything that is wrong with one variant, at paths of its own merged data."""
    for check in _CHECKS:
        if all(part in parts for part in check.needs):
            yield from check.run(parts)


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


def _weights_file(parts: Parts) -> Findings:
    weights = parts["model.base"]["weights"]
    path = (*_BASE, "weights")
    if weights in WORDS_FOR_WEIGHTS:
        return
    if not _is_file(weights):
        guess = did_you_mean(Path(weights).name, WORDS_FOR_WEIGHTS)
        remedy = "write imagenet, none, or the path of a weights file, read from the spec's folder"
        yield Finding(path, f"there is no file {_short_path(weights)}{guess}", remedy)
    elif not weights.endswith(_WEIGHT_SUFFIXES):
        message = f"{shorten(Path(weights).name)} is not a weights file that Keras reads"
        yield Finding(path, message, f"use a file that ends with {listed(_WEIGHT_SUFFIXES)}")


def _image_size(parts: Parts) -> Findings:
    architecture = ARCHITECTURES[parts["model.base"]["architecture"]]
    height, width = parts["data"]["image_size"]
    smallest = architecture.smallest_size
    if min(height, width) < smallest:
        yield Finding(
            ("data", "image_size"),
            f"{architecture.name} takes images of {smallest}x{smallest} pixels at the least,"
            f" not {height}x{width}",
            f"for example image_size: [{max(96, smallest)}, {max(96, smallest)}]",
        )


def _classifier(parts: Parts) -> Findings:
    kinds = _kinds(parts)
    if "classifier" not in kinds:
        yield Finding(("model", "head"), "the head has no classifier", "end it with classifier")
    for index, kind in enumerate(kinds[:-1]):
        if kind == "classifier":
            remedy = "move it to the end, and have only one"
            yield Finding(("model", "head", index), "the classifier is not the last layer", remedy)


def _shapes(parts: Parts) -> Findings:
    """Layers that get feature maps where they want a vector, or the other way round."""
    flat_since = ""
    for index, kind in enumerate(_kinds(parts)):
        path = ("model", "head", index)
        if flat_since and kind in _MAPS_ONLY:
            message = f"{kind} needs feature maps, but {flat_since} before it makes a vector"
            yield Finding(path, message, f"put it before {flat_since}, or leave it out")
        elif not flat_since and kind in _VECTOR_ONLY:
            message = f"{kind} needs a vector, but gets feature maps"
            yield Finding(path, message, f"put {listed(_TO_VECTOR)} before it")
            return
        if kind in _TO_VECTOR:
            flat_since = flat_since or kind


def _kinds(parts: Parts) -> Sequence[str]:
    return [next(iter(layer)) for layer in parts["model.head"]]


def _layers(parts: Parts) -> Findings:
    trainable = parts["model.trainable"]
    architecture = ARCHITECTURES[parts["model.base"]["architecture"]]
    if isinstance(trainable, Mapping) and trainable.get("last", 0) > architecture.most_layers:
        message = (
            f"{trainable['last']} is more than the {architecture.layers} layers"
            f" of {architecture.name}"
        )
        yield Finding((*_TRAINABLE, "last"), message, "write a smaller number, or trainable: all")


def _expression(parts: Parts) -> Findings:
    trainable = parts["model.trainable"]
    if isinstance(trainable, str) or "match" not in trainable:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(trainable["match"])
    except (re.error, OverflowError, RecursionError) as error:
        message = f"not a regular expression: {shorten(str(error))}"
        yield Finding((*_TRAINABLE, "match"), message, "put a backslash before ( [ * + ? and .")


def _calibration(parts: Parts) -> Findings:
    source = SOURCES[parts["data"]["source"]]
    images = source.training_images(parts["data"]["test_fraction"])
    samples = parts["quantize"]["calibration_samples"]
    if samples > images:
        message = f"{samples} is more than the {images} training images of {source.name}"
        yield Finding(("quantize", "calibration_samples"), message, f"write {images} at the most")


def _library(parts: Parts) -> Findings:
    path = parts["runtime"].get("path")
    if path is not None and not _is_file(path):
        remedy = "write the path of a shared library, read from the spec's folder, or leave it out"
        yield Finding(("runtime", "path"), f"there is no file {_short_path(path)}", remedy)


def check_measure(measure: Mapping[str, Any]) -> Findings:
    """What is wrong with the design of the measurement."""
    fewest, most = measure["min_blocks"], measure["max_blocks"]
    if fewest > most:
        message = f"min_blocks is {fewest}, but max_blocks only {most}"
        yield Finding(("measure", "min_blocks"), message, "write max_blocks of at least min_blocks")


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def _short_path(path: str) -> str:
    """The end of a path, which tells most."""
    return path if len(path) <= 100 and path.isprintable() else f"...{shorten(path[-50:])}"


_CHECKS = (
    Check(("model.base",), _alpha),
    Check(("model.base",), _weights_file),
    Check(("model.base", "data"), _image_size),
    Check(("model.head",), _classifier),
    Check(("model.head",), _shapes),
    Check(("model.base", "model.trainable"), _layers),
    Check(("model.trainable",), _expression),
    Check(("data", "quantize"), _calibration),
    Check(("runtime",), _library),
)
