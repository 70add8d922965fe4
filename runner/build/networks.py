"""A finished network, from whatever kind of file, as one function with known inputs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from runner.build.failures import StageFailure, excerpt, explain
from runner.build.safety import check_keras_file, check_saved_model

KERAS_FILE = "model.keras"
SAVED_MODEL = "saved_model"
_SHAPES = "inputs.json"
_SIGNATURE = "serving_default"
_QUANTIZATION_AWARE = "quantization_aware"


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        shape: without the batch; None where the file leaves a size open.
        dtype: by its name in TensorFlow.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Network:
    """A network ready for inference.

    Attributes:
        call: a tensor for each input -> a tensor for each output, in their order; traceable.
        batch: how many examples a call takes; None for any number.
        layers: their names; empty where the file doesn't tell.
        owner: what holds the variables, to be kept as long as `call` is used.
        is_quantization_aware: whether its graph rounds weights and activations already, as it
            learned to; then conversion calibrates nothing.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    call: Callable[[Sequence[Any]], Sequence[Any]]
    batch: int | None
    parameters: int
    trainable_parameters: int
    layers: tuple[str, ...]
    owner: Any
    is_quantization_aware: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it takes one tensor and gives one."""
        return len(self.inputs) == len(self.outputs) == 1


def open_network(path: Path) -> Network:
    """Opens a .keras file, an .h5 file or a SavedModel's folder; no code of it runs.

    Raises:
        StageFailure: it holds code, or can't be read.
    """
    return of_saved_model(path) if path.is_dir() else of_keras(load_keras(path))


def open_artifact(folder: Path) -> Network:
    """The network that a stage left, with the shapes that it fixed for its inputs."""
    path = folder / KERAS_FILE
    network = open_network(path if path.exists() else folder / SAVED_MODEL)
    if (folder / _QUANTIZATION_AWARE).exists():
        network = replace(network, is_quantization_aware=True)
    fixed = folder / _SHAPES
    if not fixed.exists():
        return network
    shapes = [tuple(shape) for shape in json.loads(fixed.read_text(encoding="utf-8"))]
    return with_shapes(network, shapes)


def with_shapes(network: Network, shapes: Sequence[tuple[int | None, ...]]) -> Network:
    """The same network with these shapes for its inputs."""
    inputs = tuple(
        Tensor(one.name, shape, one.dtype)
        for one, shape in zip(network.inputs, shapes, strict=True)
    )
    return replace(network, inputs=inputs)


def mark_quantization_aware(folder: Path) -> None:
    """Notes beside a model that it rounds by itself, for `open_artifact`."""
    (folder / _QUANTIZATION_AWARE).touch()


def save_shapes(network: Network, folder: Path) -> None:
    """Notes the inputs' shapes beside a model, for `open_artifact`."""
    shapes = [list(one.shape) for one in network.inputs]
    (folder / _SHAPES).write_text(json.dumps(shapes), encoding="utf-8")


def load_keras(path: Path) -> keras.Model:
    """A Keras model from a .keras or .h5 file, in safe mode and without its optimizer."""
    check_keras_file(path)
    try:
        return keras.models.load_model(
            path, compile=False, safe_mode=True, custom_objects={"DepthwiseConv2D": _Depthwise}
        )
    except Exception as error:
        known = explain(error)
        if known.kind != "exception":
            raise known from error
        raise StageFailure(
            "refused",
            f"Keras can't load {path.name}",
            why=excerpt(error),
            remedy=f"save it again with Keras {keras.__version__}, with layers of Keras alone; "
            "or save a SavedModel: model.export('folder')",
        ) from error


class _Depthwise(keras.layers.DepthwiseConv2D):
    """Reads files of Keras 2, which say `groups: 1` where Keras 3 knows no groups."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> keras.layers.DepthwiseConv2D:
        known = {name: value for name, value in config.items() if name != "groups"}
        if config.get("groups", 1) != 1:
            raise ValueError("a depthwise convolution with groups")
        return keras.layers.DepthwiseConv2D.from_config(known)


def of_keras(model: keras.Model) -> Network:
    """A Keras model as a network."""

    def call(given: Sequence[Any]) -> Sequence[Any]:
        answer = model(given[0] if len(given) == 1 else list(given), training=False)
        return list(tf.nest.flatten(answer))

    inputs = [_tensor(one.name, one.shape[1:], one.dtype) for one in model.inputs]
    outputs = [_tensor(one.name, one.shape[1:], one.dtype) for one in model.outputs]
    return Network(
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        call=call,
        batch=model.inputs[0].shape[0],
        parameters=int(model.count_params()),
        trainable_parameters=count(model.trainable_weights),
        layers=tuple(layer.name for layer in model.layers),
        owner=model,
    )


def of_saved_model(folder: Path) -> Network:
    """A SavedModel's signature `serving_default`, or the only one, as a network."""
    check_saved_model(folder)
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        raise StageFailure(
            "refused",
            f"TensorFlow can't load {folder.name}",
            why=excerpt(error),
            remedy=f"save it again with TensorFlow {tf.__version__}: model.export('folder'); or "
            "name a .keras file",
        ) from error
    signatures = dict(loaded.signatures)
    if _SIGNATURE not in signatures and len(signatures) != 1:
        raise StageFailure(
            "bad_input",
            f"the SavedModel {folder.name} doesn't say which of its functions is the network",
            why=f"its signatures: {', '.join(signatures) or 'none'}",
            remedy=f"save it with a signature named {_SIGNATURE}: model.export('folder')",
        )
    function = signatures.get(_SIGNATURE) or next(iter(signatures.values()))
    given = function.structured_input_signature[1]
    answers = function.structured_outputs
    names = sorted(given)

    def call(tensors: Sequence[Any]) -> Sequence[Any]:
        answer = function(**dict(zip(names, tensors, strict=True)))
        return [answer[name] for name in sorted(answers)]

    if any(spec.shape.rank in {None, 0} for spec in given.values()):
        raise StageFailure(
            "bad_input",
            f"an input of {folder.name} has no batch of examples",
            why=f"its inputs have the shapes {', '.join(str(given[name].shape) for name in names)}",
            remedy="save it with inputs whose first dimension counts examples: "
            "model.export('folder')",
        )
    return Network(
        inputs=tuple(_tensor(name, given[name].shape[1:], given[name].dtype) for name in names),
        outputs=tuple(
            _tensor(name, answers[name].shape[1:], answers[name].dtype) for name in sorted(answers)
        ),
        call=call,
        batch=given[names[0]].shape[0],
        parameters=count(loaded.variables if hasattr(loaded, "variables") else function.variables),
        trainable_parameters=count(function.trainable_variables),
        layers=(),
        owner=loaded,
    )


def count(weights: Sequence[Any]) -> int:
    """How many numbers there are in all weights together."""
    return sum(math.prod(weight.shape) for weight in weights)


def _tensor(name: str, shape: Any, dtype: Any) -> Tensor:
    return Tensor(name, tuple(shape), tf.as_dtype(dtype).name)


def summary_of(network: Network) -> Mapping[str, Any]:
    """Its counts, as a stage reports them."""
    return {
        "parameters": network.parameters,
        "trainable_parameters": network.trainable_parameters,
        "layers": len(network.layers),
    }
