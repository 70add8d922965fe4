"""What has to be done: the stages of all variants, each once, under its content's key. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from runner.spec.architectures import ARCHITECTURES
from runner.spec.model import Quantize, Spec, Variant

# Raised when a stage's code changes what it makes from the same inputs.
CODE_VERSIONS = {"data": 1, "train": 1, "convert": 1, "evaluate": 1, "time": 1}
# The libraries that determine what a stage makes.
_LIBRARIES = {
    "data": ("tensorflow", "numpy"),
    "train": ("tensorflow", "keras"),
    "convert": ("tensorflow", "keras", "numpy"),
    "evaluate": ("numpy",),
}
_CALIBRATED = frozenset({"int8", "int8_io", "int16x8"})

STAGE_ORDER = ("data", "train", "convert", "evaluate")


@dataclass(frozen=True)
class Stage:
    """One step, which is done once for all variants that share its content.

    Attributes:
        kind: `data`, `train`, `convert` or `evaluate`.
        key: SHA-256 of `identity`: the artifact's address.
        identity: everything that determines what comes out.
        params: what the worker is told.
        inputs: role -> key of the stage that makes it.
        variants: the names of the variants that need it.
        short_names: theirs, for people.
    """

    kind: str
    key: str
    identity: Mapping[str, Any]
    params: Mapping[str, Any]
    inputs: Mapping[str, str]
    variants: tuple[str, ...]
    short_names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The stage in words that a person tells apart: what it makes, and of what."""
        match self.kind:
            case "data":
                height, width = self.params["image_size"]
                return f"{self.params['source']} at {height}x{width}"
            case "train":
                base = self.params["model"]["base"]
                alpha = "" if base["alpha"] is None else f" {base['alpha']:g}"
                layers = filter(None, map(_layer_label, self.params["model"]["head"]))
                return ", ".join([f"{base['architecture']}{alpha}", *layers])
            case _:
                return ", ".join(self.short_names)


@dataclass(frozen=True)
class Plan:
    """All stages, in an order in which every stage follows its inputs.

    Attributes:
        stages: key -> stage.
        of_variant: variant's name -> kind -> key.
        experiment_key: SHA-256 of everything that determines what is timed and how.
    """

    stages: Mapping[str, Stage]
    of_variant: Mapping[str, Mapping[str, str]]
    experiment_key: str


@dataclass(frozen=True)
class Surroundings:
    """What lies outside the spec and yet determines what comes out.

    Attributes:
        versions: distribution's name -> version; None where it is not installed.
        files: path of each file that the spec names -> SHA-256 of its bytes.
        libraries: variant's name -> SHA-256 of its inference library.
        host: what tells this machine from another.
    """

    versions: Mapping[str, str | None]
    files: Mapping[str, str]
    libraries: Mapping[str, str]
    host: str


def make_plan(spec: Spec, surroundings: Surroundings) -> Plan:
    """Plans every stage of every variant, sharing what has the same content."""
    draft = _Draft(surroundings)
    for variant in spec.variants:
        draft.add_variant(variant)
    experiment = {
        "code": CODE_VERSIONS["time"],
        "variants": {
            variant.name: [
                draft.of_variant[variant.name]["convert"],
                variant.runtime.delegate,
                variant.runtime.threads,
                variant.target,
                surroundings.libraries[variant.name],
            ]
            for variant in spec.variants
        },
        "baseline": spec.baseline,
        # The budget is left out: a larger one continues an experiment, it does not change it.
        "measure": {
            name: value
            for name, value in asdict(spec.measure).items()
            if name not in {"max_time_s", "max_blocks", "min_blocks", "limits"}
        },
        "host": surroundings.host,
    }
    stages = {
        key: Stage(
            variants=tuple(variant.name for variant in needing),
            short_names=tuple(variant.short_name for variant in needing),
            **draft.stages[key],
        )
        for key, needing in sorted(
            draft.variants.items(), key=lambda item: _order(draft.stages[item[0]]["kind"])
        )
    }
    return Plan(stages, draft.of_variant, content_key(experiment))


def content_key(identity: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of an identity, in hexadecimal."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass
class _Draft:
    surroundings: Surroundings
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    variants: dict[str, list[Variant]] = field(default_factory=dict)
    of_variant: dict[str, dict[str, str]] = field(default_factory=dict)

    def add_variant(self, variant: Variant) -> None:
        scaling = ARCHITECTURES[variant.model.base.architecture].scaling
        data = self._add(variant, "data", asdict(variant.data), {})
        train = self._add(
            variant,
            "train",
            {"model": asdict(variant.model), "train": asdict(variant.train), "scaling": scaling},
            {"data": data},
        )
        convert = self._add(
            variant,
            "convert",
            {"quantize": _relevant(variant.quantize), "scaling": scaling},
            {"data": data, "train": train},
        )
        runtime = {
            "library_sha256": self.surroundings.libraries[variant.name],
            "delegate": variant.runtime.delegate,
            "threads": variant.runtime.threads,
        }
        self._add(
            variant,
            "evaluate",
            {"scaling": scaling, "runtime": runtime},
            {"data": data, "convert": convert},
        )

    def _add(
        self, variant: Variant, kind: str, params: Mapping[str, Any], inputs: dict[str, str]
    ) -> str:
        identity = {
            "stage": kind,
            "code": CODE_VERSIONS[kind],
            "params": self._with_contents(params),
            "inputs": inputs,
            "versions": {name: self.surroundings.versions.get(name) for name in _LIBRARIES[kind]},
        }
        key = content_key(identity)
        self.stages.setdefault(
            key,
            {"kind": kind, "key": key, "identity": identity, "params": params, "inputs": inputs},
        )
        self.variants.setdefault(key, []).append(variant)
        self.of_variant.setdefault(variant.name, {})[kind] = key
        return key

    def _with_contents(self, value: Any) -> Any:
        """The same value with the path of every known file replaced by its content's hash."""
        if isinstance(value, Mapping):
            return {key: self._with_contents(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._with_contents(item) for item in value]
        if isinstance(value, str) and value in self.surroundings.files:
            return f"sha256:{self.surroundings.files[value]}"
        return value


def _relevant(quantize: Quantize) -> dict[str, Any]:
    """Calibration is no part of what an uncalibrated mode makes."""
    return asdict(quantize) if quantize.mode in _CALIBRATED else {"mode": quantize.mode}


def _order(kind: str) -> int:
    return STAGE_ORDER.index(kind)


def _layer_label(layer: Mapping[str, Any]) -> str:
    """`dense 1024`; nothing for layers that every head has."""
    size = layer["options"].get("units") or layer["options"].get("filters")
    return f"{layer['kind']} {size}" if size else ""
