"""From completed parts to the frozen records that the other rooms read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.spec.model import (
    Base,
    Bounds,
    Data,
    Expectation,
    HeadLayer,
    Limits,
    Measure,
    Model,
    Optimizer,
    Quantize,
    Runtime,
    Train,
    Trainable,
    Variant,
)
from runner.spec.parts import Parts

# Fields whose record has another name than the schema, because their unit changes on the way.
RENAMED = {
    "max_time": "max_time_s",
    "warmup_time": "warmup_time_s",
    "load": "load_cores",
    "temperature": "temperature_c",
}


def build_variant(name: str, axes: Mapping[str, str], parts: Parts) -> Variant:
    """One variant from its completed parts."""
    return Variant(
        name=name,
        axes=dict(axes),
        data=_data(parts["data"]),
        model=Model(
            base=_base(parts["model.base"]),
            head=tuple(HeadLayer(*_only(layer)) for layer in parts["model.head"]),
            trainable=_trainable(parts["model.trainable"]),
        ),
        train=_train(parts["train"]),
        quantize=Quantize(**parts["quantize"]),
        runtime=Runtime(**({"path": None} | parts["runtime"])),
        target=parts["target"],
    )


def build_measure(part: Mapping[str, Any]) -> Measure:
    """The experiment's design."""
    limits = Limits(**_renamed(part["limits"]))
    return Measure(**({"seed": None} | _renamed(part) | {"limits": limits}))


def build_expectation(part: Mapping[str, Any], variant: Mapping[str, str]) -> Expectation:
    """One expectation, with the alternatives that it names."""
    return Expectation(
        variant=dict(variant),
        latency_ratio=_bounds(part.get("latency_ratio")),
        accuracy=_bounds(part.get("accuracy")),
    )


def _renamed(part: Mapping[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in part.items()}


def _data(part: Mapping[str, Any]) -> Data:
    height, width = part["image_size"]
    return Data(**(dict(part) | {"image_size": (height, width)}))


def _base(part: Mapping[str, Any]) -> Base:
    return Base(**({"alpha": None, "batch_norm_momentum": None} | dict(part)))


def _trainable(part: str | Mapping[str, Any]) -> Trainable:
    return Trainable(part, None) if isinstance(part, str) else Trainable(*_only(part))


def _train(part: Mapping[str, Any]) -> Train:
    return Train(**(dict(part) | {"optimizer": Optimizer(*_only(part["optimizer"]))}))


def _bounds(part: Mapping[str, float] | None) -> Bounds | None:
    return None if part is None else Bounds(part.get("min"), part.get("max"))


def _only(part: Mapping[str, Any]) -> tuple[str, Any]:
    """The one key of a one-key mapping, and its value."""
    ((name, value),) = part.items()
    return name, value
