"""The spec as frozen records: the same shape and names as `schemas/spec.schema.json`.

`matrix` does not appear here: expanding it yields one `Variant` for each combination.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Data:
    """Where images and labels come from, and how they are cut.

    Attributes:
        image_size: height and width in pixels that images are resized to.
        seed: decides which images form the test split.
        test_fraction: the share of images kept for evaluation, between 0 and 1.
    """

    source: str
    image_size: tuple[int, int]
    seed: int
    test_fraction: float


@dataclass(frozen=True)
class Base:
    """The feature extractor.

    Attributes:
        architecture: its name in keras.applications, and in `architectures.ARCHITECTURES`.
        alpha: width multiplier; None for an architecture that has none.
        weights: `none`, `imagenet`, or the absolute path of a weights file.
        batch_norm_momentum: replaces the architecture's own momentum in training; None keeps it.
    """

    architecture: str
    alpha: float | None
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
    """The network to build."""

    base: Base
    head: tuple[HeadLayer, ...]
    trainable: Trainable


@dataclass(frozen=True)
class Optimizer:
    """A Keras optimizer by its lower-case name (`adam`, `sgd`, `rmsprop`), with all its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Train:
    """How the network is trained.

    Attributes:
        epochs: passes over the training images; 0 trains nothing.
    """

    epochs: int
    batch_size: int
    optimizer: Optimizer
    seed: int


@dataclass(frozen=True)
class Quantize:
    """How the trained network becomes a .tflite file.

    Attributes:
        mode: `float32`, `float16`, `dynamic`, `int8`, `int8_io` or `int16x8`.
        calibration_samples: how many training images calibrate activations.
        seed: decides which.
    """

    mode: str
    calibration_samples: int
    seed: int


@dataclass(frozen=True)
class Runtime:
    """What runs the model.

    Attributes:
        path: the absolute path of the library's file; None to search for it.
        delegate: `xnnpack` or `none` (the built-in kernels).
    """

    library: str
    path: str | None
    delegate: str
    threads: int


@dataclass(frozen=True)
class Limits:
    """How much a machine may be disturbed during a block before the block is done again.

    Attributes:
        steal: time given to other machines by a hypervisor, as a share of one core's.
        load_cores: cores that other processes keep busy on average.
        temperature_c: degrees above or below the temperature at the start.
    """

    steal: float
    load_cores: float
    temperature_c: float


@dataclass(frozen=True)
class Measure:
    """The experiment's design, fixed before the first sample.

    Attributes:
        effect: the smallest change of latency that matters, as a share of the baseline's.
        confidence: of every interval and of the family of verdicts.
        max_time_s: seconds that timing may take.
        min_blocks: blocks before precision may end the experiment.
        max_blocks: blocks after which it ends in any case.
        warmup_runs: inferences before the first timed one, at the least.
        warmup_time_s: seconds of warm-up, at the least.
        limits: when a block counts as disturbed.
        seed: of the schedule; None draws one, which is stored.
    """

    effect: float
    confidence: float
    max_time_s: float
    min_blocks: int
    max_blocks: int
    warmup_runs: int
    warmup_time_s: float
    limits: Limits
    seed: int | None


@dataclass(frozen=True)
class Variant:
    """One fully resolved recipe, its runtime options and its target.

    Attributes:
        name: `path=value` of each axis, joined by commas; the spec's name where there is no matrix.
        axes: the axis's path -> the name of the alternative.
    """

    name: str
    axes: Mapping[str, str]
    data: Data
    model: Model
    train: Train
    quantize: Quantize
    runtime: Runtime
    target: str

    @property
    def short_name(self) -> str:
        """`wide/int8` for `model.head=wide,quantize=int8`; the name where there are no axes."""
        return "/".join(self.axes.values()) or self.name


@dataclass(frozen=True)
class Bounds:
    """A range that a measured figure is expected to lie in; None leaves a side open."""

    min: float | None
    max: float | None


@dataclass(frozen=True)
class Expectation:
    """A promise about one or several variants, which decides the exit code.

    Attributes:
        variant: axis -> alternative; names every variant that has them all.
        latency_ratio: of the variant to the baseline; says nothing about the baseline itself.
        accuracy: of the converted model on the test split, between 0 and 1.
    """

    variant: Mapping[str, str]
    latency_ratio: Bounds | None
    accuracy: Bounds | None


@dataclass(frozen=True)
class Spec:
    """A valid spec, expanded.

    Attributes:
        path: the file that it was read from.
        source: that file's bytes, as they were checked.
        sha256: of these.
        baseline: the name of the variant that the others are compared with.
    """

    path: Path
    source: bytes
    sha256: str
    name: str
    question: str
    variants: tuple[Variant, ...]
    baseline: str
    measure: Measure
    expectations: tuple[Expectation, ...]
