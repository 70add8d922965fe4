"""A result in sentences that need no statistics to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.report.controls import why_unproven
from runner.report.result import Result
from runner.units import format_duration, format_interval, format_ratio, format_share

# A rate that changes by less is called even.
_EVEN = 0.01
# Warnings without which an answer about latency misleads: what is fast may have become useless.
_IN_HEADLINE = ("not-finite", "accuracy-lost", "class-lost")
_MOST_WARNED = 2


def short_name(variant: Mapping[str, Any] | None, name: str) -> str:
    """`wide/int8` for `model.head=wide,quantize=int8`; the full name where there are no axes."""
    return "/".join(variant["axes"].values()) if variant and variant["axes"] else name


def short_names(result: Result) -> dict[str, str]:
    """Variant's name -> the short one."""
    short = {v["name"]: short_name(v, v["name"]) for v in result["variants"]}
    taken = Counter(short.values())
    # Single variants can set other fields to the same values.
    return {name: one if taken[one] == 1 else name for name, one in short.items()}


def short_recipe(name: str) -> str:
    """`wide/int8` for the recipe `model.head=wide,quantize=int8`."""
    return "/".join(part.rpartition("=")[2] for part in name.split(","))


def axes_heading(result: Result) -> str:
    """What the parts of a short name stand for: `model.head/quantize`."""
    axes = [tuple(variant["axes"]) for variant in result["variants"]]
    same = axes[0] and all(one == axes[0] for one in axes)
    return "/".join(axis.rpartition(".")[2] for axis in axes[0]) if same else "variant"


def headline(result: Result) -> str:
    """The answer in one sentence; says first whether it can be trusted, and last what it hides."""
    return " ".join(filter(None, (_answer(result), *_beware(result))))


def _answer(result: Result) -> str:
    if not result["comparisons"]:
        return _no_comparison(result)
    names = short_names(result)
    recipes = _recipes(result)
    told = {comparison["recipe"] for comparison in recipes}
    recipe_of = {variant["name"]: variant.get("recipe") for variant in result["variants"]}
    clauses = [
        f"{short_recipe(comparison['recipe'])} is {_clause(comparison)}" for comparison in recipes
    ] + [
        f"{names[comparison['variant']]} is {_clause(comparison)}"
        for comparison in result["comparisons"]
        if recipe_of.get(comparison["variant"]) not in told
    ]
    base = short_recipe(recipes[0]["baseline"]) if recipes else names[result["baseline"]]
    answer = f"{_few_blocks(result)}Against {base}, {_join(clauses)}."
    if recipes:
        answer += f" Each recipe was trained {_times(recipes)}."
    return answer if result["proven"] else f"Unproven: {why_unproven(result)} {answer}"


def _few_blocks(result: Result) -> str:
    """What an answer has to begin with where the machine was too busy for the blocks asked for."""
    blocks = result["blocks"]
    if blocks["stopped"] != "disturbed":
        return ""
    least = result["design"]["min_blocks"]
    return (
        f"This machine did not become quiet; what follows rests on {blocks['done']} blocks, not on"
        f" {least} or more. "
    )


def _beware(result: Result) -> list[str]:
    """Whose answers conversion spoiled; results of before that was typed say nothing here."""
    names = short_names(result)
    told: dict[str, list[str]] = {}
    for warning in result["warnings"]:
        if warning["kind"] in _IN_HEADLINE and warning.get("variant") in names:
            what = warning["message"].removeprefix(f"{warning['variant']}: ")
            told.setdefault(warning["variant"], []).append(what)
    sentences = [f"Beware of {names[name]}: {'; '.join(what)}." for name, what in told.items()]
    more = len(sentences) - _MOST_WARNED
    if more <= 0:
        return sentences
    others = "another variant" if more == 1 else f"{more} more variants"
    return [*sentences[:_MOST_WARNED], f"The same goes for {others}: see the warnings."]


def verdict_sentence(comparison: Mapping[str, Any], result: Result) -> str:
    """One comparison: `wide/float32: slower, 1.053x (1.047-1.059)`."""
    name = short_names(result)[comparison["variant"]]
    if comparison["ratio"] is None:
        return f"{name}: inconclusive, not measured in any block with the baseline"
    text = f"{name}: {comparison['verdict']}, {format_ratio(comparison['ratio'])}"
    if comparison["interval"]:
        text += f" ({format_interval(comparison['interval'])})"
    effect = format_share(comparison["effect"])
    if comparison["below_effect"]:
        text += f", but by less than {effect}"
    elif comparison["verdict"] == "equivalent":
        text += f", within {effect}"
    elif comparison["verdict"] == "inconclusive":
        text += f"; {_what_would_tell(comparison, result)}"
    return text


def recipe_sentences(result: Result) -> list[tuple[str, str]]:
    """The verdict on each recipe, as a word and as `wide: slower, 1.053x (1.02-1.09), 5 seeds`."""
    return [
        (comparison["verdict"], _recipe_sentence(comparison)) for comparison in _recipes(result)
    ]


def throughput_sentences(result: Result) -> list[str]:
    """What each variant sustained: `wide: 3,210 inferences a second over 10 s, 4 % fewer ...`."""
    names = short_names(result)
    return [
        f"{names[variant['name']]}: {_throughput(variant['throughput'])}"
        for variant in result["variants"]
        if variant.get("throughput")
    ]


def block_sentence(result: Result) -> str:
    """How much was measured, and why it ended."""
    blocks = result["blocks"]
    if not blocks["done"]:
        return "No block was completed."
    why = {
        "precise": "as precise as was asked for",
        "time": "the time allowed was used up",
        "blocks": "the number of blocks allowed was reached",
        "disturbed": "this machine did not become quiet",
        "failed": "the baseline failed",
        "deadline": "the time allowed in all was used up; the same command goes on",
    }.get(blocks["stopped"], blocks["stopped"])
    return (
        f"{blocks['done']} blocks of fresh processes, {blocks['runs_per_process']} runs each, "
        f"{format_duration(blocks['elapsed_s'])}; ended: {why}. "
        f"{blocks['steady_processes']} of {blocks['processes']} processes steady."
    )


def failure_lines(result: Result) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of each variant that failed: where and why; then what to do, what it took along, its log."""
    names = short_names(result)
    for variant in result["variants"]:
        if error := variant["error"]:
            left_out = [
                stage for stage, status in variant.get("stages", {}).items() if status == "skipped"
            ]
            further = (
                error["remedy"],
                f"skipped because its input failed: {', '.join(left_out)}" if left_out else "",
                f"log: {error['log']}" if error.get("log") else "",
            )
            name = names[variant["name"]]
            what = f"{name}: failed in {error['stage']}: {error['message']}"
            yield what, tuple(filter(None, further))


def expectation_sentence(expectation: Mapping[str, Any]) -> str:
    """`holds: wide/float32: latency ratio at most 1.1 (measured 1.053)`."""
    word = {True: "holds", False: "BROKEN", None: "undecided"}[expectation["holds"]]
    measured = expectation["measured"]
    tail = "" if measured is None else f" (measured {measured:.3f})"
    tail += f"; {expectation['why']}" if expectation.get("why") else ""
    return f"{word}: {expectation['text']}{tail}"


def _throughput(found: Mapping[str, Any]) -> str:
    rate, decay = found["per_second"], found["decay"]
    text = f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
    text += f" inferences a second over {format_duration(found['seconds'])}"
    if abs(decay) < _EVEN:
        text += ", as many at the end as at the start"
    else:
        change = f"{format_share(abs(decay))} {'fewer' if decay > 0 else 'more'}"
        text += f", {change} at the end than at the start"
    (cold, warm), (first, last) = found["temperature_c"], found["frequency_khz"]
    ends = []
    if cold is not None and warm is not None:
        ends.append(f"{cold:.0f} to {warm:.0f} C")
    if first is not None and last is not None:
        ends.append(f"{first / 1e6:.2f} to {last / 1e6:.2f} GHz")
    text += f" ({', '.join(ends)})" if ends else ""
    disturbed = found.get("disturbances")
    return f"{text}; disturbed: {', '.join(disturbed)}" if disturbed else text


def _recipes(result: Result) -> Sequence[Mapping[str, Any]]:
    """The comparisons of recipes; results of before there were any have none."""
    recipes: Sequence[Mapping[str, Any]] = result.get("recipes", ())
    return recipes


def _recipe_sentence(comparison: Mapping[str, Any]) -> str:
    seeds, effect = comparison["seeds"], format_share(comparison["effect"])
    text = f"{short_recipe(comparison['recipe'])}: {comparison['verdict']}"
    text += f", {format_ratio(comparison['ratio'])}"
    if comparison["interval"]:
        text += f" ({format_interval(comparison['interval'])})"
    text += f" over {seeds} trained models" if seeds > 1 else " from one trained model"
    if comparison["below_effect"]:
        return f"{text}, but by less than {effect}"
    if comparison["verdict"] == "equivalent":
        return f"{text}, within {effect}"
    if comparison["verdict"] == "inconclusive":
        needed = comparison["needed_seeds"]
        if needed is None:
            return f"{text}; one seed can't tell"
        if needed <= seeds:
            return f"{text}; too close to {effect} to call; more seeds may tell"
        return f"{text}; about {needed - seeds} more seeds would tell, more blocks would not"
    return text


def _times(recipes: Sequence[Mapping[str, Any]]) -> str:
    counts = sorted({comparison["seeds"] for comparison in recipes})
    return f"{' or '.join(map(str, counts))} time{'s' * (counts != [1])}"


def _clause(comparison: Mapping[str, Any]) -> str:
    verdict, ratio = comparison["verdict"], comparison["ratio"]
    if ratio is None:
        return "not measured"
    if verdict == "equivalent":
        return f"equivalent (within {format_share(comparison['effect'])})"
    if verdict == "inconclusive":
        return f"inconclusive ({format_interval(comparison['interval']) or format_ratio(ratio)})"
    small = f", by less than {format_share(comparison['effect'])}" * comparison["below_effect"]
    return f"{verdict} ({format_ratio(ratio)}{small})"


def _join(clauses: Sequence[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def _no_comparison(result: Result) -> str:
    by_name = {variant["name"]: variant for variant in result["variants"]}
    if by_name[result["baseline"]]["status"] == "failed":
        return "No answer: the baseline failed, so there is nothing to compare with."
    if result["blocks"]["stopped"] == "disturbed":
        return "No answer: this machine did not become quiet, so no block counts."
    if len(by_name) == 1 and result.get("same_content"):
        return f"Nothing to compare: {_alike(result)}. The latency of that one is below."
    if len({variant.get("recipe") for variant in result["variants"]}) == 1 < len(by_name):
        return (
            f"One recipe, trained {len(by_name)} times, and no other to compare it with: "
            "the latencies of its models are below."
        )
    if len(by_name) == 1 and result["variants"][0]["latency_ns"]:
        return "One variant and no matrix: its latency is below, and nothing to compare it with."
    return "No answer: no variant could be timed beside the baseline."


def _alike(result: Result) -> str:
    names = ", ".join(name.rpartition("=")[2] for name in result["same_content"])
    one = short_names(result)[result["variants"][0]["name"]]
    return f"{names} has the same content as {one}"


def _what_would_tell(comparison: Mapping[str, Any], result: Result) -> str:
    needed = comparison["needed_blocks"]
    done = result["blocks"]["done"]
    if needed is None:
        return "one block can't tell"
    more = needed - comparison["blocks"]
    if more <= 0:
        return f"too close to {format_share(comparison['effect'])} to call; more blocks may tell"
    # Results of before this was kept have the pilot and all waits in it.
    block_s = result["blocks"].get("block_s") or result["blocks"]["elapsed_s"] / max(1, done)
    seconds = more * block_s
    return f"about {more} more blocks, {format_duration(seconds)}, would tell"
