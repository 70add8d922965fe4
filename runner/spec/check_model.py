"""Rules about the network: base, weights, head, trainable layers, or a file that holds it all."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.spec.architectures import ARCHITECTURES
from runner.spec.check import Check, Findings, is_file, is_folder, no_file
from runner.spec.complete import WORDS_FOR_WEIGHTS
from runner.spec.document import Finding, Keys, shorten
from runner.spec.guess import did_you_mean, listed
from runner.spec.parts import GIVEN, Parts
from runner.spec.terms import TFLITE_SUFFIX, WEIGHT_SUFFIXES

_FILE_SUFFIXES = (TFLITE_SUFFIX, ".keras", ".h5", ".hdf5")
_FILE = ("model", "file")
_BASE = ("model", "base")
_MAPS_ONLY = (
    "global_average_pooling",
    "global_max_pooling",
    "average_pooling",
    "max_pooling",
    "flatten",
    "conv",
    "depthwise_conv",
    "separable_conv",
    "spatial_dropout",
)
_VECTOR_ONLY = ("dense", "classifier")
_TO_VECTOR = ("global_average_pooling", "global_max_pooling", "flatten")
_OF_A_BASE = ("model.head", "model.trainable", "model.freeze_batch_norm")


def is_tflite(path: str | None) -> bool:
    """Whether a model file is timed as it is, without being converted."""
    return path is not None and path.endswith(TFLITE_SUFFIX)


def expression_findings(text: str, path: Keys) -> Findings:
    """What is wrong with a regular expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"not a regular expression: {shorten(str(error))}"
        yield Finding(path, message, "put a backslash before ( [ * + ? and .")


def _network(parts: Parts) -> Findings:
    """A base or a file, not both and not neither."""
    given = parts[GIVEN]
    if "model.base" in given and "model.file" in given:
        message = "a network comes from a file or has a base, not both"
        remedy = "remove one; to compare the two, make model the axis"
        yield Finding(_FILE, message, remedy, at_key=True)
    elif "model.base" not in given and "model.file" not in given:
        message = "has neither a base nor a file"
        yield Finding(("model",), message, "add base: {architecture: MobileNetV2, alpha: 1.0}")
    elif "model.file" in given:
        for part in _OF_A_BASE:
            if part in given:
                message = "says nothing about a finished network"
                path = tuple(part.split("."))
                yield Finding(path, message, "remove it; only a base has a head", at_key=True)
    elif "model.input_scaling" in given:
        message = "a base knows by itself how its input is scaled"
        path = ("model", "input_scaling")
        yield Finding(path, message, "remove it; it goes with model.file", at_key=True)


def _file(parts: Parts) -> Findings:
    path, given = parts["model.file"], parts[GIVEN]
    if is_folder(path):
        if not is_file(str(Path(path) / "saved_model.pb")):
            message = f"the folder {shorten(Path(path).name)} holds no SavedModel"
            yield Finding(_FILE, message, "name a folder with saved_model.pb, or a file")
    elif not is_file(path):
        yield Finding(_FILE, no_file(path), "write a path, read from the spec's folder")
    elif not path.endswith(_FILE_SUFFIXES):
        message = f"{shorten(Path(path).name)} is no model file by its name"
        remedy = f"use a file that ends with {listed(_FILE_SUFFIXES)}, or a SavedModel's folder"
        yield Finding(_FILE, message, remedy)
    if is_tflite(path):
        for section in ("compress", "quantize"):
            if section in given:
                message = (
                    f"a {TFLITE_SUFFIX} file is timed as it is; it can't be changed by {section}"
                )
                yield Finding((section,), message, "remove it, or name a Keras file", at_key=True)


def _weights_file(parts: Parts) -> Findings:
    weights = parts["model.base"]["weights"]
    path = (*_BASE, "weights")
    if weights in WORDS_FOR_WEIGHTS:
        return
    if not is_file(weights):
        guess = did_you_mean(Path(weights).name, WORDS_FOR_WEIGHTS)
        remedy = "write imagenet, none, or the path of a weights file, read from the spec's folder"
        yield Finding(path, f"{no_file(weights)}{guess}", remedy)
    elif not weights.endswith(WEIGHT_SUFFIXES):
        message = f"{shorten(Path(weights).name)} is not a weights file that Keras reads"
        yield Finding(path, message, f"use a file that ends with {listed(WEIGHT_SUFFIXES)}")


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


def _head_layers(head: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Keys, str, dict[str, Any]]]:
    """Each layer with its path, its kind and its options."""
    for index, layer in enumerate(head):
        ((kind, options),) = layer.items()
        yield ("model", "head", index), kind, options


def _classifier(parts: Parts) -> Findings:
    layers = list(_head_layers(parts["model.head"]))
    if all(kind != "classifier" for _, kind, _ in layers):
        yield Finding(("model", "head"), "the head has no classifier", "end it with classifier")
    for path, kind, _ in layers[:-1]:
        if kind == "classifier":
            remedy = "move it to the end, and have only one"
            yield Finding(path, "the classifier is not the last layer", remedy)


def _shapes(parts: Parts) -> Findings:
    """Layers that get feature maps where they want a vector, or the other way round."""
    flat_since = ""
    for path, kind, _ in _head_layers(parts["model.head"]):
        if flat_since and kind in _MAPS_ONLY:
            message = f"{kind} needs feature maps, but {flat_since} before it makes a vector"
            yield Finding(path, message, f"put it before {flat_since}, or leave it out")
        elif not flat_since and kind in _VECTOR_ONLY:
            message = f"{kind} needs a vector, but gets feature maps"
            yield Finding(path, message, f"put {listed(_TO_VECTOR)} before it")
            return
        if kind in _TO_VECTOR:
            flat_since = flat_since or kind


def _convolutions(parts: Parts) -> Findings:
    """Options of a convolution that exclude each other."""
    for path, kind, options in _head_layers(parts["model.head"]):
        if options.get("dilation", 1) > 1 and max(options["strides"]) > 1:
            message = "a convolution with dilation has strides of 1"
            yield Finding((*path, kind, "dilation"), message, "write strides: 1, or dilation: 1")
        groups, filters = options.get("groups", 1), options.get("filters", 0)
        if filters % groups:
            message = f"{groups} groups don't divide {filters} filters"
            remedy = f"write a number that divides {filters}"
            yield Finding((*path, kind, "groups"), message, remedy)


def _layer_names(parts: Parts) -> Findings:
    seen: dict[str, int] = {}
    for path, kind, options in _head_layers(parts["model.head"]):
        name = options.get("name")
        if name is None:
            continue
        if name == "classifier":
            message = "the name classifier belongs to the output"
            yield Finding((*path, kind, "name"), message, "write another name")
        elif name in seen:
            message = f"two layers are named {name}"
            yield Finding((*path, kind, "name"), message, "give each a name of its own")
        seen[name] = 1


CHECKS = (
    Check(_network, ()),
    Check(_file, ("model.file",)),
    Check(_weights_file, ("model.base",)),
    Check(_image_size, ("model.base", "data")),
    Check(_classifier, ("model.head",)),
    Check(_shapes, ("model.head",)),
    Check(_convolutions, ("model.head",)),
    Check(_layer_names, ("model.head",)),
)
