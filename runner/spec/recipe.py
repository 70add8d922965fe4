"""What a spec says of a model, from its data to its file, as frozen records.

Shape and names are those of `schemas/spec.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.spec.terms import CALIBRATED_MODES, TFLITE_SUFFIX


@dataclass(frozen=True)
class Source:
    """A set of labelled images by its kind (`digits`, `folder`, ...), with all its options."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Data:
    """Where images and labels come from, and how they are cut.

    Attributes:
        image_size: height and width in pixels that images are resized to.
        seed: decides which images form the test split.
        test_fraction: the share of images kept for evaluation, between 0 and 1.
        limit: the most images that are used; None for all.
        corrupt_limit: the share of files that may be no readable images, between 0 and 1.
    """

    source: Source
    image_size: tuple[int, int]
    seed: int
    test_fraction: float
    limit: int | None
    corrupt_limit: float


@dataclass(frozen=True)
class Base:
    """The feature extractor.

    Attributes:
        architecture: its name in keras.applications, and in `architectures.ARCHITECTURES`.
        alpha: width multiplier; None for an architecture that has none.
        depth_multiplier: of MobileNet; None elsewhere, and for its default.
        minimalistic: of the MobileNetV3s; None elsewhere, and for its default.
        weights: `none`, `imagenet`, or the absolute path of a weights file.
        batch_norm_momentum: replaces the architecture's own momentum in training; None keeps it.
    """

    architecture: str
    alpha: float | None
    depth_multiplier: int | None
    minimalistic: bool | None
    weights: str
    batch_norm_momentum: float | None


@dataclass(frozen=True)
class HeadLayer:
    """One layer between the base and the output; options that the spec leaves out are filled in."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Trainable:
    """Which layers of the base are trained: `none`, `all`, `last`, `from` or `match`.

    Attributes:
        argument: the number of layers, the layer's name or the regular expression; None where the
            policy takes none.
    """

    policy: str
    argument: int | str | None


@dataclass(frozen=True)
class Model:
    """The network: a base with a head, or a file that holds a finished one.

    Attributes:
        file: the absolute path of the finished network; None where there is a base.
        input_scaling: what pixels become for the network of `file`; None where nothing is said.
        base: None where there is a file; then head, trainable and freeze_batch_norm say nothing.
        freeze_batch_norm: whether the base's batch normalizations stay as they are in training.
    """

    file: str | None
    input_scaling: str | None
    base: Base | None
    head: tuple[HeadLayer, ...]
    trainable: Trainable
    freeze_batch_norm: bool

    @property
    def is_tflite(self) -> bool:
        """Whether it is timed as it is, without being converted."""
        return self.file is not None and self.file.endswith(TFLITE_SUFFIX)


@dataclass(frozen=True)
class Optimizer:
    """A Keras optimizer by its lower-case name (`adam`, `sgd`, ...), with all its options.

    Its `learning_rate` is a number, or a mapping of a schedule's name to its options.
    """

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Loss:
    """What training makes small, by its name, with all its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Augmentation:
    """A random change of training images, by its name, with all its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Phase:
    """A part of training; None means that what holds for training as a whole holds here."""

    epochs: int
    trainable: Trainable | None
    freeze_batch_norm: bool | None
    optimizer: Optimizer | None


@dataclass(frozen=True)
class EarlyStopping:
    """When training ends before its epochs are done.

    Attributes:
        monitor: `loss` or `accuracy` of the validation images.
        patience: epochs without improvement.
        min_delta: the smallest change of the figure that counts as one.
        restore_best: whether the best epoch's weights are taken.
    """

    monitor: str
    patience: int
    min_delta: float
    restore_best: bool


@dataclass(frozen=True)
class Snapshot:
    """A moment of a training, counted from its start over all phases.

    Attributes:
        unit: `step` or `epoch`.
        at: how many of them were done by then; a fraction of an epoch means the nearest step.
    """

    unit: str
    at: float


@dataclass(frozen=True)
class Train:
    """How the network is trained.

    Attributes:
        epochs: passes over the training images, of all phases together; 0 trains nothing.
        phases: parts of training in their order; empty where there is one.
        validation_fraction: the share of training images that each epoch is judged by.
        snapshot: when the network is taken; None for the end, with all that training gives.
        precision: `float32`, `mixed_float16` or `mixed_bfloat16`: what layers compute in; variables
            are float32 in any case.
        class_weights: `none`, `balanced`, or class -> how much an image of it counts.
        seeds: models that are trained, with the seeds `seed`, `seed + 1` and so on.
    """

    epochs: int
    batch_size: int
    optimizer: Optimizer
    loss: Loss
    phases: tuple[Phase, ...]
    augment: tuple[Augmentation, ...]
    validation_fraction: float
    early_stopping: EarlyStopping | None
    snapshot: Snapshot | None
    precision: str
    class_weights: str | Mapping[str, float]
    seed: int
    seeds: int


@dataclass(frozen=True)
class CompressionStep:
    """One step of compression by its name (`prune`, `cluster`, ...), with all its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Quantize:
    """How the trained network becomes a .tflite file.

    Attributes:
        mode: `float32`, `float16`, `dynamic`, `int8`, `int8_io`, `int16x8`, `weight_only_int8`,
            `weight_only_int4` or `dynamic_int4`.
        calibration_samples: how many training images calibrate activations.
        seed: decides which.
        per_channel: whether each output channel has a scale of its own.
        keep_float: regular expressions for the names of layers that are not quantized.
    """

    mode: str
    calibration_samples: int
    seed: int
    per_channel: bool
    keep_float: tuple[str, ...]

    @property
    def is_calibrated(self) -> bool:
        """Whether the mode looks at images."""
        return self.mode in CALIBRATED_MODES
