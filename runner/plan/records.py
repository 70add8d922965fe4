"""A plan as records: stages under their content's keys, and which variant needs which. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Stages that make the .tflite file, and those that make the Keras model it is made of.
MAKERS_OF_FILES = ("convert", "adopt")
MAKERS_OF_MODELS = ("compress", "snapshot", "train", "load")


@dataclass(frozen=True)
class Stage:
    """One step, which is done once for all variants that share its content.

    Attributes:
        kind: `data`; `features` of a frozen base; `train`, or `load` for a finished Keras model;
            `snapshot`, which takes a model out of its training; `compress`; `convert`, or `adopt`
            for a finished .tflite file; `evaluate`.
        key: SHA-256 of `identity`: the artifact's address.
        identity: everything that determines what comes out.
        params: what the worker is told.
        inputs: role -> key of the stage that makes it.
        variants: the names of the variants that need it.
        short_names: theirs, for people.
        note: what was decided about how it is done, for people; empty where there was no choice.
    """

    kind: str
    key: str
    identity: Mapping[str, Any]
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    variants: tuple[str, ...]
    short_names: tuple[str, ...]
    note: str = ""

    @property
    def label(self) -> str:
        """The stage in words that a person tells apart: what it makes, and of what."""
        match self.kind:
            case "data":
                height, width = self.params["image_size"]
                return f"{self.params['source']['kind']} at {height}x{width}"
            case "features":
                return _base_label(self.params["base"])
            case "train":
                return _network_label(self.params["model"]) + _snapshots_label(self.params)
            case "snapshot":
                ((unit, at),) = self.params["at"].items()
                return f"{unit} {at:g}"
            case "load" | "adopt":
                return str(self.params["file"]).rpartition("/")[2]
            case _:
                return ", ".join(self.short_names)


@dataclass(frozen=True)
class Content:
    """What was in a file or folder that the spec names.

    Attributes:
        sha256: of all of it, that of `images` included.
        images: paths of the files that a table of images names, for any record of the spec; sorted.
        sets: of a folder of TensorFlow Datasets, the sets in it that count by their content, and
            nothing else in it does; sorted.
    """

    sha256: str
    images: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All stages, in an order in which every stage follows its inputs.

    Attributes:
        stages: key -> stage.
        of_variant: variant's name -> kind -> key.
        experiment_key: SHA-256 of everything that determines what is timed and how.
        files: path of each file that the spec names -> what was in it.
    """

    stages: Mapping[str, Stage]
    of_variant: Mapping[str, Mapping[str, str]]
    experiment_key: str
    files: Mapping[str, Content]

    def maker_of_file(self, variant: str) -> str:
        """The key of the stage that makes a variant's .tflite file."""
        return first_of(self.of_variant[variant], MAKERS_OF_FILES)

    def maker_of_model(self, variant: str) -> str | None:
        """The key of the stage that makes its Keras model; None for a finished .tflite file."""
        keys = self.of_variant[variant]
        return next((keys[kind] for kind in MAKERS_OF_MODELS if kind in keys), None)


@dataclass(frozen=True)
class Surroundings:
    """What lies outside the spec and yet determines what comes out.

    Attributes:
        versions: distribution's name -> version; None where it is not installed.
        files: path of each file that the spec names -> what is in it.
        libraries: variant's name -> SHA-256 of its inference library.
        host: what tells this machine from another.
    """

    versions: Mapping[str, str | None]
    files: Mapping[str, Content]
    libraries: Mapping[str, str]
    host: str


def content_key(identity: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of an identity, in hexadecimal."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def first_of(keys: Mapping[str, str], kinds: Sequence[str]) -> str:
    """The key of the first of these kinds that there is."""
    return next(keys[kind] for kind in kinds if kind in keys)


def _network_label(model: Mapping[str, Any]) -> str:
    layers = filter(None, map(_layer_label, model["head"]))
    return ", ".join([_base_label(model["base"]), *layers])


def _snapshots_label(params: Mapping[str, Any]) -> str:
    """`, 3 snapshots`; nothing where none is taken."""
    count = sum(map(len, params.get("snapshots", {}).values()))
    return f", {count} snapshot{'s' * (count > 1)}" if count else ""


def _base_label(base: Mapping[str, Any]) -> str:
    alpha = "" if base["alpha"] is None else f" {base['alpha']:g}"
    return f"{base['architecture']}{alpha}"


def _layer_label(layer: Mapping[str, Any]) -> str:
    """`dense 1024`; nothing for layers that every head has."""
    size = layer["options"].get("units") or layer["options"].get("filters")
    return f"{layer['kind']} {size}" if size else ""
