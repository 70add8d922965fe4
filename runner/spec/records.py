"""From completed parts to the frozen records that the other rooms read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runner.spec.measurement import (
    Bounds,
    Delegate,
    Device,
    Expectation,
    Limits,
    Measure,
    Report,
    Runtime,
    StageLimits,
)
from runner.spec.model import Variant
from runner.spec.parts import Parts
from runner.spec.recipe import (
    Augmentation,
    Base,
    CompressionStep,
    Data,
    EarlyStopping,
    HeadLayer,
    Loss,
    Model,
    Optimizer,
    Phase,
    Quantize,
    Snapshot,
    Source,
    Train,
    Trainable,
)

# Fields whose record has another name than the schema, because their unit changes on the way.
RENAMED = {
    "max_time": "max_time_s",
    "warmup_time": "warmup_time_s",
    "run_gap": "run_gap_s",
    "sustained": "sustained_s",
    "process_timeout": "process_timeout_s",
    "load": "load_cores",
    "temperature": "temperature_c",
    "stage_time": "stage_time_s",
    "memory": "memory_bytes",
}
_OF_MODEL = (
    "model.file",
    "model.input_scaling",
    "model.base",
    "model.head",
    "model.trainable",
    "model.freeze_batch_norm",
)


class VariantBuilder:
    """Builds variants; those that share a part share its record too."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def build(
        self, name: str, axes: Mapping[str, str], origin: tuple[str, int], parts: Parts
    ) -> Variant:
        """One variant from its completed parts.

        Args:
            origin: the recipe's name, and the variant's place among that recipe's models.
        """
        recipe, replicate = origin
        return Variant(
            name=name,
            axes=axes,
            recipe=recipe,
            replicate=replicate,
            data=self._once(build_data, parts, "data"),
            model=self._once(build_model, parts, *_OF_MODEL),
            train=self._once(build_train, parts, "train"),
            compress=self._once(build_compress, parts, "compress"),
            quantize=self._once(build_quantize, parts, "quantize"),
            runtime=self._once(build_runtime, parts, "runtime"),
            target=parts["target"],
        )

    def _once(self, build: Callable[..., Any], parts: Parts, *names: str) -> Any:
        """The record of these parts, which are known by their identity."""
        needed = [parts.get(name) for name in names]
        key = (build, *map(id, needed))
        if key not in self._known:
            # The parts are kept beside their record, so that no other takes over their identity.
            self._known[key] = (needed, build(*needed))
        return self._known[key][1]


def build_data(part: Mapping[str, Any] | None) -> Data | None:
    """The images, or None for a finished network that is timed without any."""
    if part is None:
        return None
    height, width = part["image_size"]
    given = {"source": Source(*_only(part["source"])), "image_size": (height, width)}
    return Data(**({"limit": None} | dict(part) | given))


def build_model(
    file: str | None,
    input_scaling: str | None,
    base: Mapping[str, Any] | None,
    head: list[Mapping[str, Any]],
    trainable: str | Mapping[str, Any],
    freeze_batch_norm: bool,  # noqa: FBT001 - a part like the others, in the schema's order
) -> Model:
    """The network; what does not concern a finished one has its default there."""
    return Model(
        file=file,
        input_scaling=input_scaling,
        base=None if base is None else _base(base),
        head=tuple(HeadLayer(*_only(layer)) for layer in head),
        trainable=_trainable(trainable),
        freeze_batch_norm=freeze_batch_norm,
    )


def build_train(part: Mapping[str, Any]) -> Train:
    """How the network is trained; with phases, its epochs are the sum of theirs."""
    phases = tuple(map(_phase, part["phases"]))
    stopping, snapshot = part.get("early_stopping"), part["snapshot"]
    return Train(
        **(
            dict(part)
            | {
                "epochs": sum(phase.epochs for phase in phases) if phases else part["epochs"],
                "optimizer": Optimizer(*_only(part["optimizer"])),
                "loss": Loss(*_only(part["loss"])),
                "phases": phases,
                "augment": tuple(Augmentation(*_only(one)) for one in part["augment"]),
                "early_stopping": None if stopping is None else EarlyStopping(**stopping),
                "snapshot": None if snapshot == "end" else Snapshot(*_only(snapshot)),
            }
        )
    )


def build_compress(part: list[Mapping[str, Any]]) -> tuple[CompressionStep, ...]:
    """The steps of compression, in their order."""
    return tuple(CompressionStep(*_only(step)) for step in part)


def build_quantize(part: Mapping[str, Any]) -> Quantize:
    """How the network becomes a .tflite file."""
    return Quantize(**(dict(part) | {"keep_float": tuple(part["keep_float"])}))


def build_runtime(part: Mapping[str, Any]) -> Runtime:
    """What runs the model."""
    affinity = part.get("affinity")
    given = {
        "delegate": Delegate(*_only(part["delegate"])),
        "affinity": None if affinity is None else tuple(affinity),
    }
    return Runtime(**({"path": None, "signature": None} | dict(part) | given))


def build_targets(part: Mapping[str, Any]) -> dict[str, Device]:
    """The devices by their names."""
    return {name: Device(*_only(device)) for name, device in part.items()}


def build_measure(part: Mapping[str, Any]) -> Measure:
    """The experiment's design."""
    limits = Limits(**_renamed(part["limits"]))
    optional = ("sustained_s", "process_timeout_s", "seed")
    absent: dict[str, Any] = dict.fromkeys(optional)
    return Measure(**(absent | _renamed(part) | {"limits": limits}))


def build_limits(part: Mapping[str, Any]) -> StageLimits:
    """What a stage may take."""
    return StageLimits(**({"memory_bytes": None} | _renamed(part)))


def build_expectation(part: Mapping[str, Any], variants: tuple[str, ...]) -> Expectation:
    """One expectation, with the names of the variants that it is about."""
    return Expectation(
        variants=variants,
        latency_ratio=_bounds(part.get("latency_ratio")),
        accuracy=_bounds(part.get("accuracy")),
    )


def build_report(part: Mapping[str, Any]) -> Report:
    """What the report shows."""
    return Report(tuple(part["formats"]), tuple(part["percentiles"]), part["sort"])


def _renamed(part: Mapping[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in part.items()}


def _base(part: Mapping[str, Any]) -> Base:
    optional = ("alpha", "depth_multiplier", "minimalistic", "batch_norm_momentum")
    absent: dict[str, Any] = dict.fromkeys(optional)
    return Base(**(absent | dict(part)))


def _trainable(part: str | Mapping[str, Any]) -> Trainable:
    return Trainable(part, None) if isinstance(part, str) else Trainable(*_only(part))


def _phase(part: Mapping[str, Any]) -> Phase:
    trainable, optimizer = part.get("trainable"), part.get("optimizer")
    return Phase(
        epochs=part["epochs"],
        trainable=None if trainable is None else _trainable(trainable),
        freeze_batch_norm=part.get("freeze_batch_norm"),
        optimizer=None if optimizer is None else Optimizer(*_only(optimizer)),
    )


def _bounds(part: Mapping[str, float] | None) -> Bounds | None:
    return None if part is None else Bounds(part.get("min"), part.get("max"))


def _only(part: Mapping[str, Any]) -> tuple[str, Any]:
    """The one key of a one-key mapping, and its value."""
    ((name, value),) = part.items()
    return name, value
