"""The whole spec as frozen records: the same shape and names as `schemas/spec.schema.json`.

`matrix` does not appear here: expanding it yields one `Variant` for each combination.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.spec.measurement import Device, Expectation, Measure, Report, Runtime, StageLimits
from runner.spec.recipe import CompressionStep, Data, Model, Quantize, Train


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
class Spec:
    """A valid spec, expanded.

    Attributes:
        path: the file that it was read from.
        source: that file's bytes, as they were checked.
        others: name and text of all else that took part: extended files and arguments.
        sha256: of the source and of these.
        priority: in a batch; a higher one comes first.
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
    priority: int
    variants: tuple[Variant, ...]
    aliases: Mapping[str, str]
    recipes: Mapping[str, tuple[str, ...]]
    baseline: str
    targets: Mapping[str, Device]
    measure: Measure
    limits: StageLimits
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
