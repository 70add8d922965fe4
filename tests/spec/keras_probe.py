"""Asks the installed Keras what its architectures take; run by test_architectures.py.

Reads a JSON question from standard input and writes a JSON answer to standard output. Nothing is
downloaded: where Keras would fetch ImageNet weights, it is only noted which file it wants.
"""

from __future__ import annotations

import importlib
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

# No network has weights for it.
OTHER_SIZE = 208
OTHER_ALPHAS = (0.2, 0.25, 0.3, 0.35, 0.6, 1.2, 1.3, 1.4, 2.0)


class FetchedError(Exception):
    """Keras wants a file of weights."""


class SeenError(Exception):
    """Enough is known."""


def build(name: str, size: int, **options: Any) -> Any:
    """A network without its top; `weights` may be imagenet, of which it gets only the layers."""
    keras.backend.clear_session()
    options = {"weights": None, "input_shape": (size, size, 3)} | options
    no_file = mock.patch.object(file_utils, "get_file", return_value="")
    no_load = mock.patch.object(keras.Model, "load_weights")
    with warnings.catch_warnings(), no_file, no_load:
        warnings.simplefilter("ignore")
        return getattr(keras.applications, name)(include_top=False, **options)


def outline(model: Any) -> dict[str, Any]:
    return {
        "names": [layer.name for layer in model.layers],
        "parameters": model.count_params(),
    }


def refuses(name: str, size: int, **options: Any) -> bool:
    try:
        build(name, size, **options)
    except ValueError:
        return True
    return False


def wanted_file(name: str, size: int, **options: Any) -> str:
    """The file of ImageNet weights that Keras would fetch; empty where it has none."""
    network = getattr(keras.applications, name)
    keras.backend.clear_session()
    with (
        warnings.catch_warnings(),
        mock.patch.object(file_utils, "get_file", side_effect=FetchedError) as get_file,
    ):
        warnings.simplefilter("ignore")
        try:
            network(include_top=False, weights="imagenet", input_shape=(size, size, 3), **options)
        except FetchedError:
            return str(get_file.call_args.args[0])
        except ValueError:
            return ""
    return ""


def default_size(name: str) -> int:
    """The size that the network was made for."""
    with mock.patch.object(imagenet_utils, "obtain_input_shape", side_effect=SeenError) as obtain:
        try:
            build(name, 128)
        except SeenError:
            return int(obtain.call_args.kwargs["default_size"])
    return 0


def wanted_files(name: str, alphas: list[float], sizes: list[int]) -> dict[tuple[float, int], str]:
    """The files for every alpha and for every size, each at least once."""
    number = max(len(alphas), len(sizes))
    pairs = [(alphas[i % len(alphas)], sizes[i % len(sizes)]) for i in range(number)]
    return {(alpha, size): wanted_file(name, size, alpha=alpha) for alpha, size in pairs}


def networks() -> list[str]:
    """All that keras.applications has."""
    found = inspect.getmembers(keras.applications, inspect.isfunction)
    return [name for name, _ in found if name[0].isupper()]


def describe(name: str, known: dict[str, Any], pixel: list[float]) -> dict[str, Any]:
    network = getattr(keras.applications, name)
    parameters = inspect.signature(network).parameters
    preprocess = importlib.import_module(network.__module__).preprocess_input
    answer: dict[str, Any] = {
        "arguments": {name: repr(parameter.default) for name, parameter in parameters.items()},
        "pixel": preprocess(np.array([[[pixel]]], dtype="float32"))[0, 0, 0].tolist(),
        "refuses_smaller": refuses(name, known["smallest_size"] - 1),
        "imagenet_with": [
            [
                chosen,
                [
                    alpha
                    for alpha in known["alphas"]
                    if wanted_file(name, 224, alpha=alpha, **chosen)
                ],
            ]
            for chosen in known["choices"]
        ],
    }
    return answer | (_with_alpha(name, known) if known["alphas"] else _without_alpha(name))


def _without_alpha(name: str) -> dict[str, Any]:
    return {"imagenet_sizes": [default_size(name)]}


def _with_alpha(name: str, known: dict[str, Any]) -> dict[str, Any]:
    smallest = known["smallest_alpha"]
    files = wanted_files(name, known["alphas"], [*known["imagenet_sizes"], OTHER_SIZE])
    others = [alpha for alpha in OTHER_ALPHAS if alpha not in known["alphas"]]
    return {
        "refuses_narrower": smallest > 0 and refuses(name, 64, alpha=smallest * 0.99),
        "imagenet_alphas": sorted({alpha for (alpha, _), file in files.items() if file}),
        "further_alphas": [alpha for alpha in others if wanted_file(name, 224, alpha=alpha)],
        "imagenet_sizes": sorted(
            {size for (_, size), file in files.items() if f"_{size}_" in file}
        ),
    }


def main() -> None:
    question = json.load(sys.stdin)
    optimizers = {
        name.lower(): one for name, one in inspect.getmembers(keras.optimizers, inspect.isclass)
    }
    answer = {
        "networks": networks(),
        "architectures": {
            name: describe(name, known, question["pixel"])
            for name, known in question["architectures"].items()
        },
        "built": [
            outline(build(name, size, **options)) for name, size, options in question["build"]
        ],
        "unknown_activations": [
            name for name in question["activations"] if not hasattr(keras.activations, name)
        ],
        "optimizers": {name: optimizers[name]().get_config() for name in question["optimizers"]},
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
