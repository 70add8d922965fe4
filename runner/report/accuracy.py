"""What conversion did to the models' answers: as sentences, and as a table of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.report.result import Result
from runner.report.wording import short_names
from runner.units import format_share

# More classes than these are not read; those that lost the most are shown.
MOST_CLASSES = 30


@dataclass(frozen=True)
class ClassTable:
    """Accuracies by class, as texts.

    Attributes:
        titles: of the columns: the class, how many test images it has, and each scored variant.
        rows: one a class; a cell has the converted model's share, and the trained model's before
            it where that is another one.
        hidden: classes that are left out.
    """

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    hidden: int


def accuracy_sentences(result: Result) -> list[str]:
    """One for each variant that was scored, with all its figures."""
    names = short_names(result)
    return [
        f"{names[variant['name']]}: {_figures(variant['accuracy'])}"
        for variant in result["variants"]
        if variant["accuracy"]
    ]


def agreement_sentence(result: Result) -> str:
    """How near the converted models stay to the trained ones; empty if unknown."""
    names = short_names(result)
    known = [
        (variant["accuracy"]["agreement"], names[variant["name"]], variant["accuracy"])
        for variant in result["variants"]
        if variant["accuracy"] and variant["accuracy"]["agreement"] is not None
    ]
    if not known:
        return ""
    least, name, accuracy = min(known, key=lambda one: float(one[0]))
    text = f"Agreement with Keras: {format_share(least)} of {accuracy['samples']} test images"
    return f"{text} ({name}, the least)" if len(known) > 1 else text


def class_table(result: Result) -> ClassTable | None:
    """Each class of the test images; None where nothing was scored by class.

    Variants with other images than the first that was scored are left out: their classes differ.
    """
    names = short_names(result)
    scored = {
        names[variant["name"]]: variant["accuracy"]["classes"]
        for variant in result["variants"]
        # Results of before classes were counted have none.
        if variant["accuracy"] and variant["accuracy"].get("classes")
    }
    if not scored:
        return None
    first = next(iter(scored.values()))
    alike = {name: classes for name, classes in scored.items() if _same(classes, first)}
    order = list(range(len(first)))
    if len(first) > MOST_CLASSES:
        worst = sorted(order, key=lambda index: min(_change(one[index]) for one in alike.values()))
        order = sorted(worst[:MOST_CLASSES])
    rows = tuple(
        (
            str(first[index]["name"]),
            str(first[index]["samples"]),
            *(_cell(classes[index]) for classes in alike.values()),
        )
        for index in order
    )
    return ClassTable(("class", "images", *alike), rows, len(first) - len(rows))


def _figures(accuracy: Mapping[str, Any]) -> str:
    parts = [
        f"{format_share(accuracy['tflite'])} of {accuracy['samples']} test images right"
        + _before(accuracy["keras"])
    ]
    # Results of before it was counted have none.
    if compression := accuracy.get("compression"):
        parts.append(f"{format_share(compression['before'])} before compression")
    top = accuracy.get("tflite_top5")
    if top is not None:
        parts.append(f"{format_share(top)} among the five best" + _before(accuracy["keras_top5"]))
    if accuracy["agreement"] is not None:
        parts.append(f"same class as the trained model for {format_share(accuracy['agreement'])}")
    if accuracy["largest_difference"] is not None:
        parts.append(f"scores differ by {accuracy['largest_difference']:.2g} at the most")
    return "; ".join(parts)


def _before(share: float | None) -> str:
    return "" if share is None else f" ({format_share(share)} before conversion)"


def _same(classes: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> bool:
    return [(one["name"], one["samples"]) for one in classes] == [
        (one["name"], one["samples"]) for one in others
    ]


def _change(one: Mapping[str, Any]) -> float:
    """How much of a class conversion gained; what it has where nobody knows the share before."""
    if one["tflite"] is None:
        return 1.0
    return float(one["tflite"] - (one["keras"] or 0.0))


def _cell(one: Mapping[str, Any]) -> str:
    if one["tflite"] is None:
        return ""
    after = format_share(one["tflite"])
    if one["keras"] is None or one["keras"] == one["tflite"]:
        return after
    return f"{format_share(one['keras'])} to {after}"
