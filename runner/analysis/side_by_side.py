"""Two results side by side: what differs in how they came about, and what changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.analysis.changes import Change, Estimate, estimate_of, find_changes
from runner.analysis.verdicts import Design

Result = Mapping[str, Any]

_MACHINE = ("name", "cpu", "architecture", "cores", "memory_bytes", "virtual_machine")
_SYSTEM = ("kernel", "governor", "turbo", "python")
_RUNTIME = (
    *("library", "version", "sha256", "delegate", "threads"),
    *("nodes", "delegated_nodes", "partitions"),
)
# What makes latencies in nanoseconds of the two runs unlike; ratios within a run stand beside it.
_UNLIKE = ("machine", "system", "library", "settings")


@dataclass(frozen=True)
class Difference:
    """Something that is not the same in both runs.

    Attributes:
        kind: `question`, `spec`, `machine`, `system`, `design`, `settings`, `library` or `model`.
        what: which field of it.
        first: in the first run; None where it is not known.
        variants: whom it is about; empty where it is about all of a run.
    """

    kind: str
    what: str
    first: Any
    second: Any
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One figure of one run: a ratio, or a latency in ns, with its interval."""

    value: float
    interval: tuple[float, float] | None
    verdict: str = ""


@dataclass(frozen=True)
class Pair:
    """The same figure in both runs.

    Attributes:
        name: the variant's or the recipe's.
        baseline: what a ratio is to; empty for a latency.
        first: None where the first run does not have it.
        change: None where it is not judged.
        note: why it is not judged; empty where it is.
    """

    name: str
    baseline: str
    first: Figure | None
    second: Figure | None
    change: Change | None = None
    note: str = ""


@dataclass(frozen=True)
class SideBySide:
    """Two runs of the same question.

    Attributes:
        same_spec: both were given the same text.
        differences: the most general first.
        ratios: of variants to the baseline, which is what can be compared.
        recipes: the same over trained models.
        latencies: of variants, in ns.
        latencies_judged: whether nothing differs that makes them unlike.
        only_first: variants that the second run does not have.
        only_second: those that the first does not have.
    """

    same_spec: bool
    differences: tuple[Difference, ...]
    ratios: tuple[Pair, ...]
    recipes: tuple[Pair, ...]
    latencies: tuple[Pair, ...]
    latencies_judged: bool
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def put_side_by_side(first: Result, second: Result) -> SideBySide:
    """Compares two results, as `result.json` holds them.

    Ratios to the baseline are measured within one run, under the same conditions for both sides,
    so they can be compared across machines, libraries and settings. Latencies can't, and are judged
    only where none of these differ. The effect is the larger of both runs', which is what the
    coarser one was made to find; the confidence is the higher one.
    """
    differences = tuple(_differences(first, second))
    design = Design(
        max(one["design"]["effect"] for one in (first, second)),
        max(one["design"]["confidence"] for one in (first, second)),
    )
    judged = not any(one.kind in _UNLIKE for one in differences)
    names = [[variant["name"] for variant in one["variants"]] for one in (first, second)]
    return SideBySide(
        same_spec=first["spec_sha256"] == second["spec_sha256"],
        differences=differences,
        ratios=_judged(_ratio_pairs(first, second, "comparisons"), design),
        recipes=_judged(_ratio_pairs(first, second, "recipes"), design),
        latencies=_latencies(first, second, design, judged=judged),
        latencies_judged=judged,
        only_first=tuple(name for name in names[0] if name not in names[1]),
        only_second=tuple(name for name in names[1] if name not in names[0]),
    )


def _differences(first: Result, second: Result) -> Iterator[Difference]:
    for what in ("name", "question", "baseline"):
        yield from _unequal("question", what, first[what], second[what])
    yield from _unequal("spec", "sha256", first["spec_sha256"], second["spec_sha256"])
    yield from _unequal("system", "retime", first["retime"], second["retime"])
    hosts = first["host"], second["host"]
    for kind, fields in (("machine", _MACHINE), ("system", _SYSTEM)):
        for what in fields:
            yield from _unequal(kind, what, *(host.get(what) for host in hosts))
    for what in ("effect", "confidence"):
        yield from _unequal("design", what, first["design"][what], second["design"][what])
    settings = _settings(first), _settings(second)
    for what in {**settings[0], **settings[1]}:
        yield from _unequal("settings", what, *(one.get(what) for one in settings))
    yield from _of_variants(first, second)


def _unequal(kind: str, what: str, first: Any, second: Any) -> Iterator[Difference]:
    if first != second:
        yield Difference(kind, what, first, second)


def _settings(result: Result) -> dict[str, Any]:
    """How was measured; results of before settings were kept tell less."""
    grown = {"warmup_factor": result["blocks"]["warmup_factor"]}
    return dict(result["design"].get("settings") or {}) | grown


def _of_variants(first: Result, second: Result) -> Iterator[Difference]:
    """What differs in libraries and models, each once with all the variants that it is about."""
    found: dict[tuple[str, str, Any, Any], list[str]] = {}
    for one, other in _shared(first, second):
        for kind, what, before, after in _of_variant(one, other):
            found.setdefault((kind, what, before, after), []).append(one["name"])
    for (kind, what, before, after), names in found.items():
        yield Difference(kind, what, before, after, tuple(names))


def _of_variant(one: Result, other: Result) -> Iterator[tuple[str, str, Any, Any]]:
    runtimes = one["runtime"], other["runtime"]
    for what in _RUNTIME:
        before, after = (runtime[what] for runtime in runtimes)
        if before != after:
            yield "library", what, before, after
    conditions = [runtime.get("conditions") or {} for runtime in runtimes]
    for what in {**conditions[0], **conditions[1]}:
        before, after = (condition.get(what) for condition in conditions)
        if before != after:
            yield "settings", what, before, after
    models = [(variant["model"] or {}).get("sha256") for variant in (one, other)]
    if models[0] != models[1]:
        yield "model", "sha256", models[0], models[1]


def _shared(first: Result, second: Result) -> Iterator[tuple[Result, Result]]:
    others = {variant["name"]: variant for variant in second["variants"]}
    for one in first["variants"]:
        if one["name"] in others:
            yield one, others[one["name"]]


_Judgeable = tuple[Pair, "tuple[Estimate, Estimate] | None"]


def _ratio_pairs(first: Result, second: Result, which: str) -> Iterator[_Judgeable]:
    """Pairs of ratios, each with what is known of both; variants of one run only are left out."""
    name, count = ("variant", "blocks") if which == "comparisons" else ("recipe", "seeds")
    tables = [{one[name]: one for one in result.get(which, ())} for result in (first, second)]
    if which == "comparisons":
        known = [{variant["name"] for variant in result["variants"]} for result in (first, second)]
    else:
        known = [set(table) for table in tables]
    for key in {**tables[0], **tables[1]}:
        if not all(key in names for names in known):
            continue
        one, other = (table.get(key) for table in tables)
        figures = [_ratio(record) for record in (one, other)]
        baselines = [record["baseline"] for record in (one, other) if record]
        pair = Pair(key, baselines[0], figures[0], figures[1])
        if len(set(baselines)) > 1:
            yield _noted(pair, f"its baseline is another one: {' and '.join(baselines)}"), None
            continue
        estimates = [
            _estimate(record, count, result["design"]["confidence"])
            for record, result in ((one, first), (other, second))
        ]
        yield _with_estimates(pair, estimates)


def _latencies(first: Result, second: Result, design: Design, *, judged: bool) -> tuple[Pair, ...]:
    pairs: list[_Judgeable] = []
    for one, other in _shared(first, second):
        latencies = one["latency_ns"], other["latency_ns"]
        figures = [
            Figure(latency["median"], _interval(latency["interval"])) if latency else None
            for latency in latencies
        ]
        pair = Pair(one["name"], "", figures[0], figures[1])
        if not judged:
            pairs.append((pair, None))
            continue
        estimates = [
            estimate_of(
                latency["median"],
                latency["interval"],
                latency["processes"],
                result["design"]["confidence"],
            )
            if latency
            else None
            for latency, result in zip(latencies, (first, second), strict=True)
        ]
        pairs.append(_with_estimates(pair, estimates))
    return _judged(pairs, design)


def _with_estimates(pair: Pair, estimates: Sequence[Estimate | None]) -> _Judgeable:
    before, after = estimates
    if before is not None and after is not None:
        return pair, (before, after)
    missing = [
        f"the {word} run has no interval for it"
        for word, estimate in (("first", before), ("second", after))
        if estimate is None
    ]
    return _noted(pair, " and ".join(missing)), None


def _judged(pairs: Iterable[_Judgeable], design: Design) -> tuple[Pair, ...]:
    """Judges those that can be, as one family."""
    listed = list(pairs)
    changes = iter(find_changes([both for _, both in listed if both is not None], design))
    return tuple(
        Pair(pair.name, pair.baseline, pair.first, pair.second, next(changes)) if both else pair
        for pair, both in listed
    )


def _noted(pair: Pair, note: str) -> Pair:
    return Pair(pair.name, pair.baseline, pair.first, pair.second, None, note)


def _ratio(record: Result | None) -> Figure | None:
    if record is None or record["ratio"] is None:
        return None
    return Figure(record["ratio"], _interval(record["interval"]), record["verdict"])


def _estimate(record: Result | None, count: str, confidence: float) -> Estimate | None:
    if record is None:
        return None
    return estimate_of(record["ratio"], record["interval"], record[count], confidence)


def _interval(interval: Sequence[float] | None) -> tuple[float, float] | None:
    return (interval[0], interval[1]) if interval else None
