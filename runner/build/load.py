"""A finished network of Keras or TensorFlow, taken over as if it had been trained here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from runner.build.arrays import open_array, save_array
from runner.build.failures import StageFailure
from runner.build.networks import (
    KERAS_FILE,
    SAVED_MODEL,
    Network,
    open_network,
    save_shapes,
    summary_of,
    with_shapes,
)
from runner.build.protocol import Progress, Report
from runner.build.scoring import score

# What a SavedModel is made of; assets are files that only operators that are refused would read.
_PARTS = ("saved_model.pb", "variables")


def load_model(
    params: Mapping[str, Any], data: Path | None, output: Path, report: Report
) -> dict[str, Any]:
    """Writes `model.keras` or the folder `saved_model`, `inputs.json`, and scores where it can.

    Args:
        params: `file` is the absolute path of a .keras or .h5 file or of a SavedModel's folder;
            `scaling` says how pixels become its input.
        data: the folder of images; None where there are none, then nothing is scored.

    Returns:
        `parameters`, `trainable_parameters` and `layers`, and with data `keras_accuracy`; with
        several inputs or outputs, it is None.
    """
    path = Path(params["file"])
    report(Progress(0, 2, f"reading {path.name}", "step"))
    keras.backend.clear_session()
    network = open_network(path)
    summary: dict[str, Any] = {**summary_of(network), "keras_accuracy": None}
    if data is not None and network.is_plain:
        network = fit_to_images(network, data, path.name)
        report(Progress(1, 2, "scoring the test images", "step"))
        scores = score(network, data, params["scaling"])
        save_array(output / "test_scores.npy", scores)
        labels = open_array(data / "test_labels.npy")
        summary["keras_accuracy"] = float(np.mean(scores.argmax(axis=1) == labels))
    _keep(network, path, output)
    return summary


def _keep(network: Network, path: Path, output: Path) -> None:
    if path.is_dir():
        target = output / SAVED_MODEL
        target.mkdir()
        for part in _PARTS:
            source = path / part
            if source.is_dir():
                shutil.copytree(source, target / part)
            elif source.exists():
                shutil.copyfile(source, target / part)
    else:
        network.owner.save(output / KERAS_FILE)
    save_shapes(network, output)


def fit_to_images(network: Network, data: Path, name: str) -> Network:
    """The network with its input as large as the images are.

    Raises:
        StageFailure: it takes images of another size, or tells another number of classes apart.
    """
    images: NDArray[np.uint8] = open_array(data / "test_images.npy")
    classes = json.loads((data / "classes.json").read_text(encoding="utf-8"))
    given, size = network.inputs[0].shape, images.shape[1:]
    if len(given) != 3 or any(
        one not in {None, other} for one, other in zip(given, size, strict=True)
    ):
        takes = "x".join("any" if one is None else str(one) for one in given)
        raise StageFailure(
            "bad_input",
            f"{name} doesn't take the images of this data",
            why=f"it takes {takes}, the images are {'x'.join(map(str, size))}",
            remedy=_size_remedy(given),
        )
    answer = network.outputs[0].shape
    if len(answer) != 1 or answer[0] not in {None, len(classes)}:
        raise StageFailure(
            "bad_input",
            f"{name} doesn't answer with a score for each class of this data",
            why=f"its output has the shape {answer}, the data has {len(classes)} classes",
            remedy="name the data that it was trained for; or leave data out: then it is timed, "
            "and not scored",
        )
    return with_shapes(network, [tuple(size)])


def _size_remedy(given: tuple[int | None, ...]) -> str:
    if len(given) == 3 and given[2] in {None, 3}:
        height, width = (96 if one is None else one for one in given[:2])
        return f"write data: {{image_size: [{height}, {width}]}}"
    return "only networks that take images with three channels can be scored; leave data out"
