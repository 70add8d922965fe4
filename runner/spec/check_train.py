"""Rules about images, training and quantization."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.spec.check import Check, Findings, is_file, is_folder, no_file
from runner.spec.check_model import expression_findings, is_tflite
from runner.spec.document import Finding, Keys, shorten
from runner.spec.guess import listed
from runner.spec.parts import GIVEN, Parts
from runner.spec.sources import SOURCES
from runner.spec.terms import CALIBRATED_MODES, SELECTIVE_MODES

_SOURCE = ("data", "source")
_READ_FROM_SPEC = "write a path, read from the spec's folder"


def _no_data(parts: Parts) -> Findings:
    """What needs images, where the spec has none."""
    given = parts[GIVEN]
    if "data" in given:
        return
    example = "for example data: {source: digits}"
    add = f"add it, {example}"
    mode = parts.get("quantize", {}).get("mode")
    if "model.base" in given:
        yield Finding(("data",), "missing; a base is trained on images", add, at_key=True)
    elif mode in CALIBRATED_MODES and not is_tflite(parts.get("model.file")):
        path: Keys = ("quantize",)
        yield Finding(path, f"{mode} needs images to calibrate with", f"add data, {example}")
    if "model.base" not in given and parts.get("compress"):
        message = "compression goes on training, which needs images"
        yield Finding(("compress",), message, f"add data, {example}")


def _source_files(parts: Parts) -> Findings:
    ((kind, options),) = parts["data"]["source"].items()
    path = (*_SOURCE, kind)
    if kind == "folder":
        yield from _image_folder(options, path)
    elif kind == "arrays":
        yield from _arrays(options, path)
    elif kind == "idx" and ("test_images" in options) != ("test_labels" in options):
        missing = "test_labels" if "test_images" in options else "test_images"
        message = "test images and their labels go together"
        yield Finding(path, message, f"add {missing}")
    folders = ("root",) if kind == "csv" else ()
    for name, value in options.items():
        is_path = name in {"path", "images", "labels", "test_images", "test_labels", "root"}
        if kind not in {"csv", "arrays", "idx"} or not is_path:
            continue
        there = is_folder(value) if name in folders else is_file(value)
        if not there:
            message = no_file(value)
            if name in folders:
                message = message.replace("no file", "no folder", 1)
            yield Finding((*path, name), message, _READ_FROM_SPEC)


def _image_folder(options: Mapping[str, Any], path: Keys) -> Findings:
    for name in ("path", "test"):
        folder = options.get(name)
        if folder is None:
            continue
        if not is_folder(folder):
            message = no_file(folder).replace("no file", "no folder")
            yield Finding((*path, name), message, _READ_FROM_SPEC)
        elif len(list(_classes(folder))) < 2:
            message = f"{shorten(Path(folder).name)} has fewer than two subfolders"
            remedy = "put the images of each class into a subfolder of their own"
            yield Finding((*path, name), message, remedy)


def _classes(folder: str) -> Iterator[str]:
    """The first two subfolders that are no hidden ones."""
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir() and not entry.name.startswith("."):
                yield entry.name
                found += 1
                if found > 1:
                    return


def _arrays(options: Mapping[str, Any], path: Keys) -> Findings:
    has_archive = "path" in options
    has_files = "images" in options or "labels" in options
    if has_archive and has_files:
        message = "an archive holds images and labels; files of their own say the same again"
        yield Finding(path, message, "keep path, or images and labels")
    elif not has_archive and not ("images" in options and "labels" in options):
        message = "needs an archive, or a file of images and one of labels"
        yield Finding(path, message, "add path, or images and labels")


def _training_images(data: Mapping[str, Any]) -> int | None:
    """The images that are not for testing; None where only opening the source tells."""
    ((kind, options),) = data["source"].items()
    total = SOURCES[kind].images if kind in SOURCES else options.get("images")
    if not isinstance(total, int):
        return None
    total = min(total, data.get("limit", total))
    return _left(total, max(1, round(total * data["test_fraction"])), data)


def _left(images: int, kept: int, data: Mapping[str, Any]) -> int:
    """How many images are left where some are kept aside; every class keeps one."""
    ((kind, options),) = data["source"].items()
    classes = SOURCES[kind].classes if kind in SOURCES else options["classes"]
    return max(images - kept, min(images, classes))


def _calibration(parts: Parts) -> Findings:
    ((kind, _),) = parts["data"]["source"].items()
    images = _training_images(parts["data"])
    samples = parts["quantize"]["calibration_samples"]
    if images is None or parts["quantize"]["mode"] not in CALIBRATED_MODES:
        return
    if samples > images:
        message = f"{samples} is more than the {images} training images of {kind}"
        yield Finding(("quantize", "calibration_samples"), message, f"write {images} at the most")


def _quantize(parts: Parts) -> Findings:
    quantize = parts["quantize"]
    for index, text in enumerate(quantize["keep_float"]):
        yield from expression_findings(text, ("quantize", "keep_float", index))
    mode = quantize["mode"]
    if quantize["keep_float"] and mode not in SELECTIVE_MODES:
        message = f"{mode} can't leave layers in float; {listed(SELECTIVE_MODES, 'and')} can"
        path = ("quantize", "keep_float")
        yield Finding(path, message, "remove it, or choose int8", at_key=True)
    if mode == "int16x8" and not quantize["per_channel"]:
        message = "the converter gives each channel a scale of its own with int16x8"
        path = ("quantize", "per_channel")
        yield Finding(path, message, "remove it, or choose int8", at_key=True)


def _early_stopping(parts: Parts) -> Findings:
    train = parts["train"]
    if "early_stopping" in train and train["validation_fraction"] == 0:
        message = "needs images that are kept aside to judge by"
        remedy = "add train.validation_fraction, for example validation_fraction: 10%"
        yield Finding(("train", "early_stopping"), message, remedy, at_key=True)


def _snapshot(parts: Parts) -> Findings:
    """A moment after the last one; what early stopping takes out can't be known."""
    train = parts["train"]
    if train["snapshot"] == "end":
        return
    ((unit, at),) = train["snapshot"].items()
    phases = train["phases"]
    last = sum(phase["epochs"] for phase in phases) if phases else train["epochs"]
    if unit == "step":
        steps = _steps_per_epoch(parts)
        if steps is None:
            return
        last *= steps
    if at > last:
        message = f"training is over after {last} {unit}{'s' * (last != 1)}"
        remedy = f"write {unit}: {last} at the most, or let it train longer"
        yield Finding(("train", "snapshot", unit), message, remedy)


def _steps_per_epoch(parts: Parts) -> int | None:
    """How many batches an epoch has; None where only opening the source tells."""
    images = _training_images(parts["data"]) if "data" in parts else None
    if images is None:
        return None
    train = parts["train"]
    kept = round(images * train["validation_fraction"])
    return math.ceil(_left(images, kept, parts["data"]) / int(train["batch_size"]))


def _class_weights(parts: Parts) -> Findings:
    weights = parts["train"]["class_weights"]
    ((kind, _),) = parts["data"]["source"].items()
    if isinstance(weights, str) or kind not in SOURCES:
        return
    known = [str(number) for number in range(SOURCES[kind].classes)]
    for name in weights:
        if name not in known:
            message = f"{kind} has no class {shorten(name)}"
            path = ("train", "class_weights", name)
            yield Finding(path, message, f"its classes are {known[0]} to {known[-1]}", at_key=True)


def _schedules(parts: Parts) -> Findings:
    train = parts["train"]
    given: list[tuple[Keys, Mapping[str, Any]]] = [(("train", "optimizer"), train["optimizer"])]
    given += [
        (("train", "phases", index, "optimizer"), phase["optimizer"])
        for index, phase in enumerate(train["phases"])
        if "optimizer" in phase
    ]
    for path, optimizer in given:
        ((name, options),) = optimizer.items()
        rate = options["learning_rate"]
        steps = rate.get("steps") if isinstance(rate, Mapping) else None
        if steps and steps["epochs"] != sorted(set(steps["epochs"])):
            place = (*path, name, "learning_rate", "steps", "epochs")
            yield Finding(place, "the epochs are not in rising order", "for example [10, 20]")


CHECKS = (
    Check(_no_data, (), ("quantize", "compress", "model.file")),
    Check(_source_files, ("data",)),
    Check(_calibration, ("data", "quantize")),
    Check(_quantize, ("quantize",)),
    Check(_early_stopping, ("train",)),
    Check(_snapshot, ("train",), ("data",)),
    Check(_class_weights, ("train", "data")),
    Check(_schedules, ("train",)),
)
