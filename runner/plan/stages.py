"""What has to be done: the stages of all variants, each once, under its content's key. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from runner.plan.features import feature_params, why_not_shared
from runner.plan.kinds import CODE_VERSIONS, STAGE_ORDER, libraries_of
from runner.plan.records import (
    MAKERS_OF_FILES,
    Plan,
    Stage,
    Surroundings,
    content_key,
    first_of,
)
from runner.plan.snapshots import Snapshots, recipe_of
from runner.spec.architectures import ARCHITECTURES
from runner.spec.measurement import Runtime
from runner.spec.model import Spec, Variant
from runner.spec.recipe import CompressionStep, Data, Model, Quantize, Train
from runner.spec.records import build_model
from runner.spec.terms import WEIGHT_MODES

# What continues an experiment, or decides how it deals with faults, but is no part of its design.
_OUTSIDE_THE_DESIGN = {
    *("max_time_s", "max_blocks", "min_blocks", "limits", "power"),
    *("sustained_s", "retries", "process_timeout_s"),
}


def make_plan(spec: Spec, surroundings: Surroundings) -> Plan:
    """Plans every stage of every variant, sharing what has the same content."""
    draft = _Draft(surroundings, Snapshots(spec.variants))
    for variant in spec.variants:
        draft.add_variant(variant)
    order = sorted(draft.stages.values(), key=lambda stage: STAGE_ORDER.index(stage["kind"]))
    stages = {
        stage["key"]: Stage(
            variants=tuple(variant.name for variant in draft.variants[stage["key"]]),
            short_names=tuple(variant.short_name for variant in draft.variants[stage["key"]]),
            **stage,
        )
        for stage in order
    }
    plan = Plan(stages, draft.of_variant, "", surroundings.files)
    return replace(plan, experiment_key=content_key(_experiment(spec, plan, surroundings)))


def _experiment(spec: Spec, plan: Plan, surroundings: Surroundings) -> dict[str, Any]:
    """Everything that determines what is timed and how."""
    return {
        "code": CODE_VERSIONS["time"],
        # The key of the evaluation covers the file, the images it is fed, and what runs it.
        "variants": {
            variant.name: [plan.of_variant[variant.name]["evaluate"], variant.target]
            for variant in spec.variants
        },
        "baseline": spec.baseline,
        # The budget is left out: a larger one continues an experiment, it does not change it.
        "measure": {
            name: value
            for name, value in asdict(spec.measure).items()
            if name not in _OUTSIDE_THE_DESIGN
        },
        "host": surroundings.host,
    }


class _Told:
    """Records as plain data, each once: variants share records, which are the same object."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, int], tuple[Any, dict[str, Any]]] = {}

    def by(self, tell: Callable[[Any], dict[str, Any]], record: Any) -> dict[str, Any]:
        """What `tell` makes of a record; nobody may change it."""
        key = (tell, id(record))
        if key not in self._known:
            # The record is kept, so that no other takes over its identity.
            self._known[key] = (record, tell(record))
        return self._known[key][1]


@dataclass
class _Draft:
    surroundings: Surroundings
    snapshots: Snapshots
    told: _Told = field(default_factory=_Told)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    variants: dict[str, list[Variant]] = field(default_factory=dict)
    of_variant: dict[str, dict[str, str]] = field(default_factory=dict)
    # What was worked out before, by the identity of the records that it was worked out from.
    known: dict[tuple[Any, ...], str] = field(default_factory=dict)
    teachers: dict[int, Model | None] = field(default_factory=dict)
    lessons: dict[int, Train] = field(default_factory=dict)
    features: dict[tuple[int, int], tuple[dict[str, Any], str]] = field(default_factory=dict)

    def add_variant(self, variant: Variant) -> None:
        scaling = scaling_of(variant.model)
        data = self._data(variant, variant.data)
        if variant.model.is_tflite:
            self._add(variant, "adopt", {}, (variant.model,), lambda: {"file": variant.model.file})
            source = None
        else:
            source = self._model(variant, data, scaling)
            self._add(
                variant,
                "convert",
                {"source": source} | (data if variant.quantize.is_calibrated else {}),
                (variant.quantize, scaling),
                lambda: {
                    "quantize": self.told.by(_relevant, variant.quantize),
                    "scaling": scaling,
                },
            )
        model = first_of(self.of_variant[variant.name], MAKERS_OF_FILES)
        library = self.surroundings.libraries[variant.name]
        self._add(
            variant,
            "evaluate",
            {"model": model, **data, **({"reference": source} if source and data else {})},
            (variant.runtime, scaling, library),
            lambda: {
                "scaling": scaling,
                "runtime": self.told.by(_runtime, variant.runtime) | {"library_sha256": library},
            },
        )

    def _data(self, variant: Variant, data: Data | None) -> dict[str, str]:
        """The input that images are; none where there are none."""
        if data is None:
            return {}
        return {"data": self._add(variant, "data", {}, (data,), lambda: self.told.by(asdict, data))}

    def _model(self, variant: Variant, data: dict[str, str], scaling: str) -> str:
        """The stages that make the Keras model; the key of the last one."""
        if not variant.compress:
            return self._own_network(variant, data)
        teacher = self._teacher(variant.compress)
        taught: dict[str, str] = {}
        if teacher is not None:
            # Before the variant's own network, which then is the one that it is known by.
            lessons = self._lessons(variant)
            taught = {"teacher": self._network(variant, teacher, lessons, data)}
        teacher_scaling = scaling_of(teacher) if teacher else ""
        return self._add(
            variant,
            "compress",
            {"source": self._own_network(variant, data), **data, **taught},
            (variant.compress, variant.train, scaling, teacher_scaling),
            lambda: {
                "steps": [_step(step) for step in variant.compress],
                "train": self.told.by(recipe_of, variant.train),
                "scaling": scaling,
                "teacher_scaling": teacher_scaling,
            },
        )

    def _network(self, variant: Variant, model: Model, train: Train, data: dict[str, str]) -> str:
        """The stage that trains a variant's network, or takes a finished one over."""
        scaling = scaling_of(model)
        if model.file is not None:
            params = {"file": model.file, "scaling": scaling}
            return self._add(variant, "load", data, (model, scaling), lambda: params)
        features, note = self._features(variant, model, train, data)
        key = self._add(
            variant,
            "train",
            data | features,
            (model, train),
            lambda: {
                "model": self.told.by(asdict, model),
                "train": self.told.by(recipe_of, train),
                "scaling": scaling,
                **self.snapshots.params(model, train, variant.data),
            },
        )
        self.stages[key]["note"] = note
        return key

    def _own_network(self, variant: Variant, data: dict[str, str]) -> str:
        """The stage that makes a variant's network: trained to its end, or taken before."""
        network = self._network(variant, variant.model, variant.train, data)
        snapshot = variant.train.snapshot
        if snapshot is None or variant.model.file is not None:
            return network
        scaling = scaling_of(variant.model)
        return self._add(
            variant,
            "snapshot",
            {"training": network, **data},
            (variant.train, scaling),
            lambda: {"at": {snapshot.unit: snapshot.at}, "scaling": scaling},
        )

    def _features(
        self, variant: Variant, model: Model, train: Train, data: dict[str, str]
    ) -> tuple[dict[str, str], str]:
        """The input that a frozen base's answers are, which heads share; none if not allowed.

        And which of the two it is, and why.
        """
        key, scaling = (id(model), id(train)), scaling_of(model)
        if key not in self.features:
            network, recipe = asdict(model), recipe_of(train)
            why_not = why_not_shared(network, recipe)
            params = {} if why_not else feature_params(network, recipe, scaling)
            self.features[key] = (params, why_not)
        params, why_not = self.features[key]
        if why_not:
            return {}, f"features are not shared: {why_not}"
        made_of = (model, train, scaling)
        given = {"features": self._add(variant, "features", data, made_of, lambda: params)}
        return given, "features are computed once"

    def _teacher(self, steps: tuple[CompressionStep, ...]) -> Model | None:
        """The network that the steps learn from; the same record for the same steps."""
        if id(steps) not in self.teachers:
            given = [step.options["teacher"] for step in steps if "teacher" in step.options]
            self.teachers[id(steps)] = _network_of(given[0]) if given else None
        return self.teachers[id(steps)]

    def _lessons(self, variant: Variant) -> Train:
        """How a variant's teacher is trained: as its network, but for what the teacher says itself.

        The same record for the same training.
        """
        train = variant.train
        if not any("trainable" in one.options.get("teacher", {}) for one in variant.compress):
            return train
        if id(train) not in self.lessons:
            phases = tuple(replace(phase, trainable=None) for phase in train.phases)
            self.lessons[id(train)] = replace(train, phases=phases)
        return self.lessons[id(train)]

    def _add(
        self,
        variant: Variant,
        kind: str,
        inputs: dict[str, str],
        determined_by: tuple[Any, ...],
        params: Callable[[], Mapping[str, Any]],
    ) -> str:
        """Adds a stage for a variant and returns its key.

        Args:
            determined_by: the records and texts that `params` is made of, which it is not called
                for again: records that are shared are the same object.
        """
        made_of = (kind, *inputs.values(), *(_identity(one) for one in determined_by))
        key = self.known.get(made_of)
        if key is None:
            key = self.known[made_of] = self._new(kind, params(), inputs)
        self.variants[key].append(variant)
        self.of_variant.setdefault(variant.name, {})[kind] = key
        return key

    def _new(self, kind: str, params: Mapping[str, Any], inputs: dict[str, str]) -> str:
        identity = {
            "stage": kind,
            "code": CODE_VERSIONS[kind],
            "params": self._with_contents(params) if self.surroundings.files else params,
            "inputs": inputs,
            "versions": {
                name: self.surroundings.versions.get(name) for name in libraries_of(kind, params)
            },
        }
        key = content_key(identity)
        self.stages.setdefault(
            key,
            {"kind": kind, "key": key, "identity": identity, "params": params, "inputs": inputs},
        )
        self.variants.setdefault(key, [])
        return key

    def _with_contents(self, value: Any) -> Any:
        """The same value with the path of every known file replaced by its content's hash."""
        if isinstance(value, Mapping):
            return {key: self._with_contents(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._with_contents(item) for item in value]
        if isinstance(value, str) and value in self.surroundings.files:
            return f"sha256:{self.surroundings.files[value].sha256}"
        return value


def scaling_of(model: Model) -> str:
    """How pixels become the network's input: as its architecture has it, or as the spec says."""
    if model.base is not None:
        return ARCHITECTURES[model.base.architecture].scaling
    return model.input_scaling or "raw"


def _identity(one: Any) -> Any:
    """What tells a record from others: records are shared, texts are compared."""
    return one if isinstance(one, str) else id(one)


def _network_of(part: Mapping[str, Any]) -> Model:
    """The record of a part of the spec that describes a network."""
    return build_model(
        part.get("file"),
        part.get("input_scaling"),
        part.get("base"),
        part.get("head", []),
        part.get("trainable", "none"),
        part.get("freeze_batch_norm", False),
    )


def _step(step: CompressionStep) -> dict[str, Any]:
    """A step's own options; whom it learns from is an input."""
    options = {name: value for name, value in step.options.items() if name != "teacher"}
    return {"name": step.name, "options": options}


def _runtime(runtime: Runtime) -> dict[str, Any]:
    """What determines how a model runs; the library's path does not, its content does."""
    return {name: value for name, value in asdict(runtime).items() if name != "path"}


def _relevant(quantize: Quantize) -> dict[str, Any]:
    """What a mode doesn't use is no part of what it makes."""
    if quantize.is_calibrated:
        return asdict(quantize)
    used = {"mode": quantize.mode}
    has_scales = quantize.mode in {"dynamic", *WEIGHT_MODES}
    return used | ({"per_channel": quantize.per_channel} if has_scales else {})
