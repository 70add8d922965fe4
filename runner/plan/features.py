"""When the answers of a frozen base are computed once and shared by all heads that learn from them.

Pure; asked by the plan before, and by the training that reports what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Bases without any random layer: their answer to an image is the same in every epoch. (Those of
# EfficientNet drop connections while training, frozen or not.)
_STEADY = ("MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large")
# What a head may begin with: a vector an image is small enough to keep, feature maps are not.
_POOLING = ("global_average_pooling", "global_max_pooling")


def why_not_shared(model: Mapping[str, Any], train: Mapping[str, Any]) -> str:
    """Why a training can't learn from features that were computed once; empty where it can.

    Where it can, the weights that come out are the same.

    Args:
        model: a `runner.spec.model.Model` as JSON.
        train: a `runner.spec.model.Train` as JSON.
    """
    base = model["base"]
    policies = [phase["trainable"] or model["trainable"] for phase in train["phases"]]
    if not train["phases"]:
        policies = [model["trainable"]]
    if base["architecture"] not in _STEADY:
        return f"{base['architecture']} is not known to answer the same in every epoch"
    if any(policy["policy"] != "none" for policy in policies):
        return "layers of the base are trained"
    if train["augment"]:
        return "images are changed at random"
    if model["head"][0]["kind"] not in _POOLING:
        return "the head doesn't begin with a global pooling"
    if train["epochs"] == 0:
        return "nothing is trained"
    return ""


def feature_params(
    model: Mapping[str, Any], train: Mapping[str, Any], scaling: Any
) -> dict[str, Any]:
    """What determines the features, besides the images: the base, its weights, and the pooling."""
    base = {name: value for name, value in model["base"].items() if name != "batch_norm_momentum"}
    is_random = base["weights"] == "none"
    return {
        "base": base,
        "pooling": model["head"][0]["kind"],
        "scaling": scaling,
        "seed": train["seed"] if is_random else None,
    }
