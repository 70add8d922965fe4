"""The spec as frozen records: the same shape and names as `schemas/spec.schema.json`.

`matrix` does not appear here: expanding it yields one `Variant` for each combination.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
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
class Train:
    """How the network is trained.

    Attributes:
        epochs: passes over the training images, of all phases together; 0 trains nothing.
        phases: parts of training in their order; empty where there is one.
        validation_fraction: the share of training images that each epoch is judged by.
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
        mode: `float32`, `float16`, `dynamic`, `int8`, `int8_io` or `int16x8`.
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


@dataclass(frozen=True)
class Delegate:
    """`xnnpack`, `none` (the built-in kernels) or `external`, with all its options."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Runtime:
    """What runs the model.

    Attributes:
        library: `tflite` or `litert`.
        path: the absolute path of the library's file; None to search for it.
        affinity: the cores that the process may use; None for all that it is given.
        call: `interpreter` or `signature`.
        signature: the signature to run; None for the first.
        flush_to_zero: `default`, `on` or `off`: whether subnormal numbers count as zero.
        priority: `normal`, `high` or `realtime`.
        lock_memory: whether the process's memory stays in memory.
    """

    library: str
    path: str | None
    delegate: Delegate
    threads: int
    affinity: tuple[int, ...] | None
    call: str
    signature: str | None
    flush_to_zero: str
    priority: str
    lock_memory: bool


@dataclass(frozen=True)
class Device:
    """A device by the way it is reached: `ssh`, `adb` or `emulator`, with all its options."""

    kind: str
    options: Mapping[str, Any]


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
        power: how sure a plan wants to be that the effect is found.
        max_time_s: seconds that timing may take.
        min_blocks: blocks before precision may end the experiment.
        max_blocks: blocks after which it ends in any case.
        warmup_runs: inferences before the first timed one, at the least.
        warmup_time_s: seconds of warm-up, at the least.
        inputs: what the model is fed: `real`, `rotating`, `random` or `zeros`.
        run_gap_s: idle seconds before each run.
        flush_caches: whether caches are filled with other data before each run.
        sustained_s: seconds that each variant is run back to back after the blocks; None for none.
        retries: how often in a row a failed process is tried again before its variant is given up.
        process_timeout_s: seconds after which a process counts as hung; None derives it from what
            the pilot's processes took.
        limits: when a block counts as disturbed.
        seed: of the schedule; None draws one, which is stored.
    """

    effect: float
    confidence: float
    power: float
    max_time_s: float
    min_blocks: int
    max_blocks: int
    warmup_runs: int
    warmup_time_s: float
    inputs: str
    run_gap_s: float
    flush_caches: bool
    sustained_s: float | None
    retries: int
    process_timeout_s: float | None
    limits: Limits
    seed: int | None


@dataclass(frozen=True)
class Report:
    """What the report shows beside the verdicts.

    Attributes:
        formats: files beside result.json: `html`, `csv`, `markdown`.
        percentiles: latencies beside the median: `p50`, `p90`, `p95`, `p99`.
        sort: `spec`, `latency` or `accuracy`.
    """

    formats: tuple[str, ...]
    percentiles: tuple[str, ...]
    sort: str


@dataclass(frozen=True)
class Variant:
    """One fully resolved recipe, its runtime options and its target.

    Attributes:
        name: `path=value` of each axis, joined by commas; the spec's name where there is no matrix.
        axes: the axis's path -> the name of the alternative; `train.seed` is one of them where
            several models are trained from a recipe.
        recipe: the name without the seed: what several trained models have in common.
        replicate: the model's place among those of its recipe.
        data: None where a finished network is timed without images.
        target: `local`, or the name of one of the spec's targets.
    """

    name: str
    axes: Mapping[str, str]
    recipe: str
    replicate: int
    data: Data | None
    model: Model
    train: Train
    compress: tuple[CompressionStep, ...]
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
        variants: the names of the variants that it is about.
        latency_ratio: of the variant to the baseline; says nothing about the baseline itself.
        accuracy: of the converted model on the test split, between 0 and 1.
    """

    variants: tuple[str, ...]
    latency_ratio: Bounds | None
    accuracy: Bounds | None


@dataclass(frozen=True)
class Spec:
    """A valid spec, expanded.

    Attributes:
        path: the file that it was read from.
        source: that file's bytes, as they were checked.
        others: name and text of all else that took part: extended files and arguments.
        sha256: of the source and of these.
        aliases: other name -> the variant that has the same content.
        recipes: recipe's name -> the names of its variants, one for each training seed.
        baseline: the name of the variant that the others are compared with; of several that are
            trained from one recipe, the first.
        targets: the devices that are described beside this machine.
    """

    path: Path
    source: bytes
    others: tuple[tuple[str, str], ...]
    sha256: str
    name: str
    question: str
    variants: tuple[Variant, ...]
    aliases: Mapping[str, str]
    recipes: Mapping[str, tuple[str, ...]]
    baseline: str
    targets: Mapping[str, Device]
    measure: Measure
    expectations: tuple[Expectation, ...]
    report: Report

    @property
    def baseline_recipe(self) -> str:
        """The recipe that the others are compared with."""
        return next(one.recipe for one in self.variants if one.name == self.baseline)

    @property
    def pairs(self) -> dict[str, str]:
        """Variant -> the baseline that it is compared with: the one of its own place.

        Models of the baseline's own recipe are compared with nothing.
        """
        bases = self.recipes[self.baseline_recipe]
        return {
            one.name: bases[one.replicate if one.replicate < len(bases) else 0]
            for one in self.variants
            if one.name not in bases
        }

    @property
    def recipe_pairs(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Recipe -> its variants with the baseline's, one pair for each seed that both have.

        A recipe is compared where it and the baseline's have several models each: a single file
        can't stand for a recipe.
        """
        bases = self.recipes[self.baseline_recipe]
        pairs = {
            name: tuple(zip(variants, bases, strict=False))
            for name, variants in self.recipes.items()
            if variants != bases
        }
        return {name: several for name, several in pairs.items() if len(several) > 1}
