"""Asks the installed Keras what its architectures take; run by test_architectures.py.

Reads a JSON question from standard input and writes a JSON answer to standard output. Nothing is
downloaded: where Keras would fetch ImageNet weights, it is only noted which file it wants.
"""

from __future__ import annotations

import inspect
import json
import sys
import warnings
from typing import Any
from unittest import mock

import keras
import numpy as np
from keras.src.applications import imagenet_utils
from keras.src.utils import file_utils

SIZES = (96, 128, 160, 192, 224)
ALPHAS = (0.01, 0.2, 1.0)
OTHER_ALPHAS = (0.2, 0.25, 0.3, 0.35, 0.6, 1.2, 1.3, 1.4, 2.0)
MODULES = {
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
    "MobileNetV3Large": "mobilenet_v3",
}


class FetchedError(Exception):
    """Keras wants a file of weights."""


def build(name: str, size: int, **options: Any) -> Any:
    keras.backend.clear_session()
    options = {"weights": None, "input_shape": (size, size, 3)} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(keras.applications, name)(include_top=False, **options)


def refuses(name: str, size: int, **options: Any) -> bool:
    try:
        build(name, size, **options)
    except ValueError:
        return True
    return False


def wanted_file(name: str, size: int, **options: Any) -> str:
    """The file of ImageNet weights that Keras would fetch; empty where it has none."""
    with mock.patch.object(file_utils, "get_file", side_effect=FetchedError) as get_file:
        try:
            build(name, size, weights="imagenet", **options)
        except FetchedError:
            return str(get_file.call_args.args[0])
        except ValueError:
            return ""
    return ""


def layers_with_imagenet(name: str) -> int:
    no_file = mock.patch.object(file_utils, "get_file", return_value="")
    no_load = mock.patch.object(keras.Model, "load_weights")
    with no_file, no_load:
        return len(build(name, 64, weights="imagenet").layers)


def default_size(name: str) -> int:
    """The size that the network was made for."""

    class SeenError(Exception):
        pass

    with mock.patch.object(imagenet_utils, "obtain_input_shape", side_effect=SeenError) as obtain:
        try:
            build(name, 64)
        except SeenError:
            return int(obtain.call_args.kwargs["default_size"])
    return 0


def wanted_files(name: str, alphas: list[float]) -> dict[tuple[float, int], str]:
    """The files for every alpha and for every size, each at least once."""
    number = max(len(alphas), len(SIZES))
    pairs = [(alphas[i % len(alphas)], SIZES[i % len(SIZES)]) for i in range(number)]
    return {(alpha, size): wanted_file(name, size, alpha=alpha) for alpha, size in pairs}


def module_of(name: str) -> Any:
    fallback = "efficientnet_v2" if "V2" in name else "efficientnet"
    return getattr(keras.applications, MODULES.get(name, fallback))


def describe(name: str, known: dict[str, Any]) -> dict[str, Any]:
    has_alpha = "alpha" in inspect.signature(getattr(keras.applications, name)).parameters
    white = np.full((1, 1, 1, 3), 255.0, dtype="float32")
    smallest = known["smallest_size"]
    answer: dict[str, Any] = {
        "has_alpha": has_alpha,
        "white": float(module_of(name).preprocess_input(white)[0, 0, 0, 0]),
        "layers": len(build(name, smallest).layers),
        "refuses_smaller": refuses(name, smallest - 1),
    }
    return answer | (_with_alpha(name, known) if has_alpha else _without_alpha(name))


def _without_alpha(name: str) -> dict[str, Any]:
    return {"most_layers": layers_with_imagenet(name), "imagenet_sizes": [default_size(name)]}


def _with_alpha(name: str, known: dict[str, Any]) -> dict[str, Any]:
    smallest = known["smallest_alpha"]
    files = wanted_files(name, known["imagenet_alphas"])
    others = [alpha for alpha in OTHER_ALPHAS if alpha not in known["imagenet_alphas"]]
    return {
        "most_layers": max(
            len(build(name, 64, alpha=max(alpha, smallest)).layers) for alpha in ALPHAS
        ),
        "refuses_narrower": refuses(name, 64, alpha=max(smallest * 0.99, 0.001)),
        "imagenet_alphas": sorted({alpha for (alpha, _), file in files.items() if file}),
        "further_alphas": [alpha for alpha in others if wanted_file(name, 224, alpha=alpha)],
        "imagenet_sizes": sorted(
            {size for (_, size), file in files.items() if f"_{size}_" in file}
        ),
    }


def main() -> None:
    question = json.load(sys.stdin)
    optimizers = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"}
    answer = {
        "architectures": {
            name: describe(name, known) for name, known in question["architectures"].items()
        },
        "unknown_activations": [
            name for name in question["activations"] if not hasattr(keras.activations, name)
        ],
        "optimizers": {
            name: getattr(keras.optimizers, optimizers[name])().get_config()
            for name in question["optimizers"]
        },
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
