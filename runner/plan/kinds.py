"""Kinds of stages: their order, their code's versions, the libraries that they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec.terms import WEIGHT_MODES

STAGE_ORDER = (
    *("data", "features", "load", "train", "snapshot"),
    *("compress", "adopt", "convert", "evaluate"),
)

# Raised when a stage's code changes what it makes from the same inputs.
CODE_VERSIONS = {
    "data": 3,
    "features": 2,
    "train": 4,
    "snapshot": 1,
    "load": 1,
    "compress": 2,
    "adopt": 1,
    "convert": 4,
    "evaluate": 4,
    "time": 4,
}
# The libraries that determine what a stage makes.
_LIBRARIES: dict[str, tuple[str, ...]] = {
    "data": ("numpy", "pillow"),
    "features": ("tensorflow", "keras"),
    "train": ("tensorflow", "keras"),
    "snapshot": ("tensorflow", "keras"),
    "load": ("tensorflow", "keras"),
    "compress": ("tensorflow", "keras", "tf-keras", "tensorflow-model-optimization"),
    "adopt": (),
    "convert": ("tensorflow", "keras", "numpy"),
    "evaluate": ("numpy",),
}


def libraries_of(kind: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """The libraries that determine what a stage makes; an optional one where it is used only."""
    optional = {
        "ai-edge-quantizer": kind == "convert" and params["quantize"]["mode"] in WEIGHT_MODES,
        "tensorflow-datasets": kind == "data" and params["source"]["kind"] == "tfds",
    }
    return (*_LIBRARIES[kind], *(name for name, is_used in optional.items() if is_used))
