"""When the answers of a frozen base are computed once and shared by all heads that learn from them.

Pure; asked by the plan before, and by the training that reports what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec.architectures import ARCHITECTURES

# What a head may begin with: a vector an image is small enough to keep, feature maps are not.
_POOLING = ("global_average_pooling", "global_max_pooling")


def why_not_shared(model: Mapping[str, Any], train: Mapping[str, Any]) -> str:
    """Why a training can't learn from features that were computed once; empty where it can.

    Where it can, the weights that come out are the same.

    Args:
        model: a `runner.spec.recipe.Model` as JSON.
        train: a `runner.spec.recipe.Train` as JSON.
    """
    base = model["base"]
    policies = [phase["trainable"] or model["trainable"] for phase in train["phases"]]
    if not train["phases"]:
        policies = [model["trainable"]]
    is_trained = any(policy["policy"] != "none" for policy in policies)
    has_pooling = model["head"][0]["kind"] in _POOLING
    name, precision = base["architecture"], train["precision"]
    is_steady = ARCHITECTURES[name].is_steady
    reasons = {
        f"{name} answers with other bits in another epoch or batch": not is_steady,
        "layers of the base are trained": is_trained,
        f"{precision} computes the base's answers in other numbers": precision != "float32",
        "images are changed at random": bool(train["augment"]),
        "the head doesn't begin with a global pooling": not has_pooling,
        "nothing is trained": train["epochs"] == 0,
        "an image that is alone in its batch has other last bits": train["batch_size"] == 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


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
