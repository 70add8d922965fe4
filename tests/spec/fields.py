"""Every field of the language with values that it takes and a spec around it, from the schema."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runner.spec.schema import branches, fields, follow, spec_schema
from runner.spec.structure import fits

Data = dict[str, Any]
Path_ = tuple[str, ...]

ITEM = "..."
DEVICE = "board"
# The files that the schema's examples name, beside or above the folder of the spec.
FILES = (
    *("retrained.tflite", "trained.keras", "teacher.keras", "weights/base.weights.h5"),
    *("labels.csv", "set.npz", "images.npy", "labels.npy", "libvx_delegate.so"),
    *("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "../libtensorflowlite_c.so"),
    *("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
    *("flowers/daisy/1.png", "flowers/rose/1.png", "images/1.png"),
    *("flowers-test/daisy/1.png", "flowers-test/rose/1.png"),
)
VARIABLES = {"BOARD": "pi@board", "ANDROID_SERIAL": "x1"}
BASES = {
    "base": {"architecture": "MobileNetV2", "alpha": 1.0},
    "depth_multiplier": {"architecture": "MobileNet", "alpha": 1.0, "weights": "none"},
    "minimalistic": {"architecture": "MobileNetV3Small", "alpha": 1.0, "weights": "none"},
}
# What other fields have to say where a field is to have its meaning.
CONTEXTS: Mapping[Path_, Data] = {
    ("model", "file"): {"model": {}},
    ("model", "input_scaling"): {"model": {"file": "trained.keras"}},
    ("model", "base", "depth_multiplier"): {"model": {"base": BASES["depth_multiplier"]}},
    ("model", "base", "minimalistic"): {"model": {"base": BASES["minimalistic"]}},
    ("data", "source", "idx", "test_images"): {
        "data": {"source": {"idx": {"test_labels": "t10k-labels-idx1-ubyte.gz"}}}
    },
    ("data", "source", "idx", "test_labels"): {
        "data": {"source": {"idx": {"test_images": "t10k-images-idx3-ubyte.gz"}}}
    },
    ("data", "source", "arrays", "images"): {
        "data": {"source": {"arrays": {"labels": "labels.npy"}}}
    },
    ("data", "source", "arrays", "labels"): {
        "data": {"source": {"arrays": {"images": "images.npy"}}}
    },
    ("data", "source", "arrays", "image_key"): {
        "data": {"source": {"arrays": {"path": "set.npz"}}}
    },
    ("data", "source", "arrays", "label_key"): {
        "data": {"source": {"arrays": {"path": "set.npz"}}}
    },
    ("train", "early_stopping"): {"train": {"validation_fraction": 0.1}},
    ("compress", "quantization_aware"): {"quantize": "int8"},
    ("compress", ITEM, "quantization_aware"): {"quantize": "int8"},
    ("runtime", "signature"): {"runtime": {"call": "signature"}},
    ("target",): {"targets": {"pi4": {"ssh": {"host": "pi@board"}}}},
    ("expect",): {
        "matrix": {"quantize": ["float32", "int8"]},
        "baseline": {"quantize": "float32"},
        "expect": [{"variant": {"quantize": "int8"}}],
    },
}
# What no record has: the version, what is consumed while reading, and what names variants.
NOT_KEPT = {("spec",), ("extends",), ("matrix",), ("baseline",), ("expect", ITEM, "variant")}
_TO_VECTOR = ("global_average_pooling", "global_max_pooling", "flatten")


class Field(NamedTuple):
    """A field that takes plain values, or lists of them."""

    path: Path_
    schema: Mapping[str, Any]


def leaves() -> Iterator[Field]:
    """Every field that takes a plain value, by the path that a spec has it at."""
    yield from _leaves((), spec_schema())
    yield from _leaves(("targets", DEVICE), spec_schema()["$defs"]["device"])


def _leaves(path: Path_, schema: Mapping[str, Any]) -> Iterator[Field]:
    if path in NOT_KEPT or path[:2] == ("compress", ITEM) or path[-2:] == ("teacher", "head"):
        return  # a list of steps and a teacher's head are made of the same definitions
    inner = fields(schema)
    items = [form["items"] for form in branches(schema) if "items" in form]
    if path and path[-1] != ITEM and next(values(Field(path, schema)), None) is not None:
        yield Field(path, follow(schema).schema)
    for name, one in inner.items():
        yield from _leaves((*path, name), one)
    for one in items:
        yield from _leaves((*path, ITEM), one)


def values(field: Field) -> Iterator[Any]:
    """Plain values that the field's own schema allows: examples, words, and the ends of ranges."""
    own = follow(field.schema).schema
    found: list[Any] = [*own.get("examples", ())]
    for form in branches(own):
        found += form.get("examples", ())
        found += form.get("enum", ())
        found += [True, False] if form.get("type") == "boolean" else []
        found += [form[end] for end in ("minimum", "maximum") if end in form]
        if "enum" in form.get("items", ()):
            found += [[word] for word in form["items"]["enum"]]
    seen: list[Any] = []
    for value in found:
        plain = all(not isinstance(one, dict) for one in value) if isinstance(value, list) else True
        is_new = all(value != one or type(value) is not type(one) for one in seen)
        if plain and not isinstance(value, dict) and is_new and fits(value, field.schema):
            seen.append(value)
            yield value


def spec_with(path: Path_, value: Any) -> Data:
    """A spec that says this of a field, and what it needs around that."""
    data = _smallest(path)
    _put(data, path, value, spec_schema())
    return data


def spec_without(path: Path_) -> Data:
    """The same spec with nothing said of the field."""
    data = spec_with(path, None)
    here: Any = data
    for key, after in itertools.pairwise(path):
        here = next(item for item in here if after in item) if key == ITEM else here[key]
    del here[path[-1]]
    return data


def _smallest(path: Path_) -> Data:
    data: Data = {"spec": 1, "name": "sample", "data": {"source": "digits"}}
    data["model"] = {"base": BASES["base"]}
    for start, context in CONTEXTS.items():
        if path[: len(start)] == start:
            data |= context
    if path[-3:-1] == ("teacher", "base") and path[-1] != "architecture":
        step = {"distill": {"teacher": {"base": BASES.get(path[-1], BASES["base"])}}}
        data["compress"] = [step] if ITEM in path else step
    return _copy(data)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _put(here: Data, path: Path_, value: Any, schema: Mapping[str, Any]) -> None:
    name, *rest = path
    inner = spec_schema()["$defs"]["device"] if name == DEVICE else fields(schema)[name]
    if not rest:
        here[name] = value
    elif rest[0] == ITEM:
        items = next(form["items"] for form in branches(inner) if "items" in form)
        known = here.get(name)
        item = known[0] if isinstance(known, list) else {}
        if rest[1:]:
            _put(item, tuple(rest[1:]), value, items)
        here[name] = _around(rest[1], item) if name == "head" else [item]
    else:
        if not isinstance(here.get(name), dict):
            here[name] = {}
        _put(here[name], tuple(rest), value, inner)
    _complete(here, schema)


def _complete(here: Data, schema: Mapping[str, Any]) -> None:
    """Adds what a mapping has to have."""
    for form in branches(schema):
        needed = list(form.get("required", ()))
        own = follow(schema).schema
        either = [one["required"][0] for one in own.get("anyOf", ()) if "required" in one]
        if either and not any(name in here for name in either):
            needed.append(either[0])
        for name in needed:
            here.setdefault(name, follow(fields(schema)[name]).schema["examples"][0])


def _around(kind: str, layer: Data) -> list[Any]:
    """A head with this layer at a place where it can stand."""
    if kind == "classifier":
        return ["global_average_pooling", layer]
    if kind == "dense":
        return ["global_average_pooling", layer, "classifier"]
    return [layer, "classifier"] if kind in _TO_VECTOR else [layer, "flatten", "classifier"]


def make_files(folder: Path) -> None:
    """Puts the files that examples name around a folder."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
