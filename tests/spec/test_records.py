"""The records mirror the schema one to one, in both directions."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from runner.spec import measurement, model, recipe
from runner.spec.parts import PARTS
from runner.spec.records import RENAMED
from runner.spec.schema import fields, spec_schema

pytestmark = pytest.mark.fast

MIRRORED = {
    recipe.Data: "data",
    recipe.EarlyStopping: "early_stopping",
    recipe.Phase: "phase",
    measurement.Report: "report",
    recipe.Base: "base",
    recipe.Model: "model",
    recipe.Train: "train",
    recipe.Quantize: "quantize_options",
    measurement.Runtime: "runtime",
    measurement.Limits: "limits",
    measurement.StageLimits: "stage_limits",
    measurement.Measure: "measure",
}
BOUNDS = ("ratio_bounds", "share_bounds")
# One-key mappings become a record of the key and what it holds.
TAGGED = {
    recipe.Snapshot: ("snapshot", ["unit", "at"]),
    recipe.Source: ("source", ["kind", "options"]),
    recipe.HeadLayer: ("layer", ["kind", "options"]),
    recipe.Optimizer: ("optimizer", ["name", "options"]),
    recipe.Loss: ("loss", ["name", "options"]),
    recipe.Augmentation: ("augmentation", ["name", "options"]),
    recipe.CompressionStep: ("compression_step", ["name", "options"]),
    measurement.Delegate: ("delegate", ["name", "options"]),
    recipe.Trainable: ("trainable", ["policy", "argument"]),
}
# What a spec becomes by being read and expanded.
DERIVED_OF_SPEC = {"path", "source", "others", "sha256", "variants", "aliases", "recipes"}
CONSUMED_BY_EXPANSION = {"spec", "extends", "matrix"}
DERIVED_OF_VARIANT = {"name", "axes", "recipe", "replicate"}


def record_fields(record: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(record)]


def schema_fields(definition: str) -> list[str]:
    properties = spec_schema()["$defs"][definition]["properties"]
    return [RENAMED.get(name, name) for name in properties]


@pytest.mark.parametrize(("record", "definition"), MIRRORED.items())
def test_record_has_the_fields_of_its_definition(record: Any, definition: str) -> None:
    assert sorted(record_fields(record)) == sorted(schema_fields(definition))


@pytest.mark.parametrize("definition", BOUNDS)
def test_bounds(definition: str) -> None:
    assert record_fields(measurement.Bounds) == schema_fields(definition)


def test_expectation() -> None:
    names = ["variants" if name == "variant" else name for name in schema_fields("expectation")]
    assert record_fields(measurement.Expectation) == names


def test_device_is_one_of_the_ways_to_reach_one() -> None:
    assert record_fields(measurement.Device) == ["kind", "options"]
    assert spec_schema()["$defs"]["device"]["maxProperties"] == 1


@pytest.mark.parametrize(("record", "shape"), TAGGED.items())
def test_tagged_record_stands_for_a_one_key_mapping(
    record: Any, shape: tuple[str, list[str]]
) -> None:
    definition, names = shape
    assert record_fields(record) == names
    forms = spec_schema()["$defs"][definition]["anyOf"]
    assert [form.get("maxProperties") for form in forms] == [None, 1]


def test_spec_and_variant_cover_every_section() -> None:
    sections = set(fields(spec_schema()))
    of_variant = {part.split(".")[0] for part in PARTS}
    assert set(record_fields(model.Variant)) == of_variant | DERIVED_OF_VARIANT
    of_spec = sections - of_variant - CONSUMED_BY_EXPANSION - {"expect"} | {"expectations"}
    assert set(record_fields(model.Spec)) == of_spec | DERIVED_OF_SPEC


def test_every_record_is_covered_and_frozen() -> None:
    records = {
        one
        for module in (measurement, model, recipe)
        for one in vars(module).values()
        if dataclasses.is_dataclass(one) and one.__module__ == module.__name__
    }
    others = {
        measurement.Bounds,
        measurement.Expectation,
        measurement.Device,
        model.Variant,
        model.Spec,
    }
    assert records == set(MIRRORED) | set(TAGGED) | others
    for record in records:
        assert getattr(record, "__dataclass_params__").frozen, record  # noqa: B009 - untyped


def test_renamed_fields_exist() -> None:
    names = {
        name for path in MIRRORED.values() for name in spec_schema()["$defs"][path]["properties"]
    }
    assert set(RENAMED) <= names
