"""Fills in what a valid spec leaves out, so that the same content always looks the same.

Short forms become mappings, defaults come in from the schema, percentages and durations become
numbers, and paths are read from the spec's folder.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runner.spec.architectures import ARCHITECTURES
from runner.spec.document import ForeignText
from runner.spec.schema import Schema, branches, follow
from runner.spec.variables import expand
from runner.units import parse_bytes, parse_duration_s, parse_share

WORDS_FOR_WEIGHTS = ("none", "imagenet")

# What is read from the folder of the file that it is written in.
_PATHS = ("weights", "file")
_JSON_TYPES: Mapping[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    ForeignText: "string",
    int: "number",
    float: "number",
}
_SHORT_FORMS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("source", "layer", "optimizer", "loss", "augmentation", "delegate", "compression_step"),
        lambda name: {name: {}},
    ),
    "quantize": lambda mode: {"mode": mode},
    "compress": lambda step: [] if step == "none" else [step],
    "pair": lambda extent: [extent, extent],
}


def complete(value: Any, schema: Schema, folder: Path) -> Any:
    """A value that fits its schema, with everything said that the schema implies.

    Args:
        folder: the folder that paths in the spec are read from.
    """
    definition = follow(schema).definition
    if isinstance(value, ForeignText) and definition not in _PATHS:
        value = str(value)
    if definition in _SHORT_FORMS and _is_short(value, definition):
        value = _SHORT_FORMS[definition](value)
    if definition in _CONVERSIONS:
        return _CONVERSIONS[definition](value, folder)
    branch = _branch(value, schema)
    if isinstance(value, Mapping):
        made = _mapping(value, branch, folder)
        if definition == "distill":
            return _with_the_teachers_own(made, value)
        return _without_usual(made) if definition == "base" else made
    if isinstance(value, list):
        return [complete(item, branch.get("items", {}), folder) for item in value]
    return _number(value, branch)


def resolve(text: str, folder: Path) -> str:
    """The absolute path that a spec means; `~` is the user's own folder."""
    folder = text.folder if isinstance(text, ForeignText) else folder
    path = Path(expand(text))
    with contextlib.suppress(RuntimeError):  # there is no such user: then it is a file's name
        path = path.expanduser()
    return os.path.normpath(folder / path)


def _without_usual(base: Mapping[str, Any]) -> dict[str, Any]:
    """A base that says only what its architecture does not do anyway."""
    return ARCHITECTURES[base["architecture"]].without_defaults(base)


def _with_the_teachers_own(made: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A step whose teacher says which of its layers are trained only if the spec does.

    What it says holds in all phases; if it says nothing, the phases decide.
    """
    if "trainable" not in given["teacher"]:
        made["teacher"].pop("trainable", None)
    return made


def _is_short(value: Any, definition: str) -> bool:
    """Whether a value is the short form of its definition: for most of them, a word."""
    if definition == "compress":
        return not isinstance(value, list)
    return isinstance(value, int if definition == "pair" else str)


def _mapping(value: Mapping[str, Any], schema: Schema, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, inner in schema.get("properties", {}).items():
        given = value.get(name, inner.get("default"))
        if given is not None:
            result[name] = complete(given, inner, folder)
    named_by_user = schema.get("additionalProperties") or {}
    others = {
        name: complete(given, named_by_user, folder)
        for name, given in value.items()
        if name not in result
    }
    return result | others


def _branch(value: Any, schema: Schema) -> Schema:
    wanted = _JSON_TYPES.get(type(value))
    forms = branches(schema)
    return next((form for form in forms if form.get("type") == wanted), forms[0])


def _number(value: Any, schema: Schema) -> Any:
    if isinstance(value, bool):
        return value
    if schema.get("type") == "integer":
        return int(value)
    return float(value) if schema.get("type") == "number" else value


def _share(value: str | float, folder: Path) -> float:
    del folder
    return parse_share(value)


def _duration(value: str, folder: Path) -> float:
    del folder
    return parse_duration_s(value)


def _size(value: str, folder: Path) -> int:
    del folder
    return parse_bytes(value)


def _weights(value: str, folder: Path) -> str:
    return str(value) if value in WORDS_FOR_WEIGHTS else resolve(value, folder)


def _place(value: str, folder: Path) -> str:
    del folder
    return expand(value)


_CONVERSIONS: Mapping[str, Callable[[Any, Path], Any]] = {
    "share": _share,
    "duration": _duration,
    "budget": _duration,
    "size": _size,
    "weights": _weights,
    "file": resolve,
    "place": _place,
}
