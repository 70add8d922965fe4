"""Pruning, clustering and quantization-aware training, as TensorFlow's own library does them.

All of it on tf-keras models; see `twins`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow_model_optimization as tfmot
import tf_keras
from tensorflow_model_optimization.python.core.clustering.keras.experimental import (
    cluster as clustering,
)
from tf_keras.src import backend

from runner.build.failures import StageFailure, excerpt

# Layers whose weights can be pruned and clustered; a depthwise convolution has too few to matter.
_WEIGHTED = (tf_keras.layers.Conv2D, tf_keras.layers.Dense, tf_keras.layers.SeparableConv2D)
_CENTERS = {
    "linear": "LINEAR",
    "density": "DENSITY_BASED",
    "kmeans_plus_plus": "KMEANS_PLUS_PLUS",
    "random": "RANDOM",
}
_BLOCK = (1, 4)
# The last quarter of the steps trains what was kept.
_RISING_SHARE = 0.75

Fit = Callable[[Any, Sequence[Any]], None]


def prune(model: Any, options: Mapping[str, Any], steps: int, fit: Fit) -> Any:
    """Sets the smallest weights of each layer to zero, more and more while training goes on.

    Args:
        model: of tf-keras; it is used up.
        options: of the step, as the spec has them.
        steps: batches that `fit` will train on; with 0, the share is reached at once.
        fit: trains a model, with callbacks.
    """
    sparsity, start = options["sparsity"], options["start"]
    every = max(1, steps // 100)
    end = int(_RISING_SHARE * (steps - 1)) // every * every
    if steps == 0 or start == sparsity or end == 0:
        schedule = tfmot.sparsity.keras.ConstantSparsity(sparsity, 0, frequency=every)
    else:
        schedule = tfmot.sparsity.keras.PolynomialDecay(start, sparsity, 0, end, frequency=every)
    more: dict[str, Any] = {"pruning_schedule": schedule}
    if options["pattern"] == "2_of_4":
        more["sparsity_m_by_n"] = (2, 4)
    chosen = _choose(model, options, "prune", only_matrices=options["pattern"] == "block_1x4")
    pruned = _wrap(
        model, chosen, lambda layer: tfmot.sparsity.keras.prune_low_magnitude(layer, **more)
    )
    if options["pattern"] == "block_1x4":
        _set_blocks(pruned)
    if steps:
        fit(pruned, [tfmot.sparsity.keras.UpdatePruningStep()])
    else:
        for layer in pruned.layers:
            if hasattr(layer, "pruning_obj"):
                tf_keras.backend.set_value(layer.pruning_step, 0)
                layer.pruning_obj.conditional_mask_update()
                layer.pruning_obj.weight_mask_op()
    return tfmot.sparsity.keras.strip_pruning(pruned)


def _set_blocks(pruned: Any) -> None:
    """Prunes whole blocks: four output channels that follow each other, of one input channel.

    The library's wrapper takes blocks for dense layers only, although what it calls knows what to
    do with the kernel of a 1x1 convolution: it drops the sizes of 1.
    """
    for layer in pruned.layers:
        if hasattr(layer, "pruning_obj"):
            layer.pruning_obj._block_size = list(_BLOCK)  # noqa: SLF001 - see above


def cluster(model: Any, options: Mapping[str, Any], fit: Fit) -> Any:
    """Lets each tensor of weights have few different values, which are trained on."""
    centers = getattr(tfmot.clustering.keras.CentroidInitialization, _CENTERS[options["initial"]])

    def wrap(layer: Any) -> Any:
        return clustering.cluster_weights(
            layer,
            number_of_clusters=options["clusters"],
            cluster_centroids_init=centers,
            preserve_sparsity=options["keep_zeros"],
        )

    clustered = _wrap(model, _choose(model, options, "cluster"), wrap)
    fit(clustered, [])
    return tfmot.clustering.keras.strip_clustering(clustered)


def quantization_aware(
    model: Any, options: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]], fit: Fit
) -> Any:
    """Trains with rounded weights and activations; the model keeps the rounding.

    Args:
        before: the steps that were done already and must not be undone, by their names.
    """
    schemes = tfmot.experimental.combine
    quantize = tfmot.quantization.keras
    if "cluster" in before:
        zeros = bool(before["cluster"]["keep_zeros"])
        scheme = schemes.Default8BitClusterPreserveQuantizeScheme(preserve_sparsity=zeros)
    elif "prune" in before:
        scheme = schemes.Default8BitPrunePreserveQuantizeScheme()
    else:
        scheme = None
    _pass_names(model, "conv2d", "depthwise_conv2d")
    try:
        if options.get("layers") is None:
            annotated = quantize.quantize_annotate_model(model)
        else:
            chosen = _matching(model, options["layers"], "quantization_aware", lambda _: True)
            annotated = _wrap(model, chosen, quantize.quantize_annotate_layer)
        quantized = quantize.quantize_apply(annotated, **({"scheme": scheme} if scheme else {}))
    except (ValueError, RuntimeError) as error:
        raise StageFailure(
            "refused",
            "this model can't be trained quantization-aware",
            why=excerpt(error),
            remedy="name the layers that can be: quantization_aware: {layers: EXPRESSION}; or "
            "quantize after training instead",
        ) from error
    fit(quantized, [])
    return quantized


def _pass_names(model: Any, *stems: str) -> None:
    """Lets the names that layers are given by themselves go on behind those that the model has.

    The library splits a separable convolution into layers with such names. If the model has a layer
    of the same name, as Xception does, the graph becomes a circle, and building it never ends.
    """
    numbers = backend.get_default_graph_uid_map()
    for stem in stems:
        found = [re.fullmatch(rf"{stem}(?:_(\d+))?", layer.name) for layer in model.layers]
        last = max((int(match[1] or 0) for match in found if match), default=-1)
        numbers["", stem] = max(numbers["", stem], last + 1)


def _choose(
    model: Any, options: Mapping[str, Any], step: str, *, only_matrices: bool = False
) -> set[str]:
    """The names of the layers that a step changes.

    Args:
        only_matrices: whether weights must be matrices, as those of 1x1 convolutions are, but for
            sizes of 1.
    """

    def fits(layer: Any) -> bool:
        if not isinstance(layer, _WEIGHTED) or isinstance(layer, tf_keras.layers.DepthwiseConv2D):
            return False
        if not only_matrices:
            return True
        shape = [size for size in layer.weights[0].shape if size > 1]
        return len(shape) == 2

    return _matching(model, options.get("layers"), step, fits)


def _matching(model: Any, pattern: str | None, step: str, fits: Callable[[Any], bool]) -> set[str]:
    able = [layer.name for layer in model.layers if fits(layer)]
    chosen = {name for name in able if pattern is None or re.fullmatch(pattern, name)}
    if not chosen:
        raise StageFailure(
            "bad_input",
            f"compress.{step}: there is no layer to change"
            + (f" whose whole name matches {pattern!r}" if pattern else ""),
            why=f"layers that can be: {', '.join(able[:10]) or 'none'}",
            remedy="write a regular expression for the whole names of layers with weights",
        )
    return chosen


def _wrap(model: Any, chosen: set[str], wrap: Callable[[Any], Any]) -> Any:
    """The model with some of its layers wrapped; weights are kept."""

    def visit(layer: Any) -> Any:
        return wrap(layer) if layer.name in chosen else layer

    return tf_keras.models.clone_model(model, clone_function=visit)
