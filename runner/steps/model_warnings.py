"""What a reader must know of the models and of what they learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.analysis.accuracy import chance_of_loss
from runner.units import format_share

# The loss of accuracy that is worth a warning, and how unlikely it has to be by chance alone.
_ACCURACY_LOSS = 0.05
_CHANCE = 0.05
# A class of which less than this share of its right answers is left counts as lost.
_LEFT = 0.5
_MOST_NAMED = 3
# A class with more than so many times the training images of another one is worth a warning.
_MOST_TIMES = 10


def warning(kind: str, message: str, remedy: str, variant: str | None = None) -> dict[str, Any]:
    """One warning, as `result.json` holds it; `variant` is the one that it is about."""
    return {"kind": kind, "message": message, "remedy": remedy, "variant": variant}


def accuracy_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Whose answers compression or conversion spoiled."""
    found = []
    for variant in variants:
        if accuracy := variant["accuracy"]:
            problems = (
                _not_finite(accuracy),
                _lost_in_compression(accuracy),
                _lost_in_conversion(accuracy),
                _classes_lost(accuracy),
            )
            found += [
                warning(kind, f"{variant['name']}: {what}", remedy, variant["name"])
                for kind, what, remedy in filter(None, problems)
            ]
    return found


def _not_finite(accuracy: Mapping[str, Any]) -> tuple[str, str, str] | None:
    if accuracy["finite"]:
        return None
    what = "some of its scores are NaN or infinite"
    return "not-finite", what, "look at its weights; float16 overflows above 65504"


def _lost_in_compression(accuracy: Mapping[str, Any]) -> tuple[str, str, str] | None:
    compression = accuracy["compression"]
    if compression is None:
        return None
    lost = _points_lost(compression["before"], accuracy["keras"], compression)
    remedy = "compress less, train longer while compressing, or lower the step's learning rate"
    return ("accuracy-lost", f"compression lost {lost}", remedy) if lost else None


def _lost_in_conversion(accuracy: Mapping[str, Any]) -> tuple[str, str, str] | None:
    if accuracy["keras"] is None:
        return None
    lost = _points_lost(accuracy["keras"], accuracy["tflite"], accuracy)
    remedy = "calibrate on more images, keep sensitive layers in float, or choose another mode"
    return ("accuracy-lost", f"conversion lost {lost}", remedy) if lost else None


def _points_lost(before: float, after: float, answers: Mapping[str, Any]) -> str:
    """How many points of accuracy went, in words; empty where few did, or chance may have it.

    Args:
        answers: how many are `lost` and `gained`.
    """
    if before - after <= _ACCURACY_LOSS:
        return ""
    if chance_of_loss(answers["lost"], answers["gained"]) >= _CHANCE:
        return ""
    figures = f"from {format_share(before)} to {format_share(after)} of the test images"
    return f"{100 * (before - after):.3g} points of accuracy, {figures}"


def _classes_lost(accuracy: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Single classes that the converted model hardly knows any more.

    Where most are lost, the accuracy as a whole says so. Each class is a test of its own, so that
    chance is shared among them (Bonferroni).
    """
    if accuracy["keras"] is None:
        return None
    known = [one for one in accuracy["classes"] if one["samples"]]
    lost = [
        one
        for one in known
        if one["tflite"] < _LEFT * one["keras"]
        and chance_of_loss(one["lost"], one["gained"]) < _CHANCE / len(known)
    ]
    if not lost or len(lost) > len(known) / 2:
        return None
    worst = sorted(lost, key=lambda one: float(one["tflite"] - one["keras"]))
    told = [
        f"{one['name']} (from {format_share(one['keras'])} to {format_share(one['tflite'])})"
        for one in worst[:_MOST_NAMED]
    ]
    told += [f"{len(lost) - _MOST_NAMED} more"] * (len(lost) > _MOST_NAMED)
    return (
        "class-lost",
        f"conversion lost {'the class' if len(lost) == 1 else 'the classes'} {', '.join(told)}",
        "calibrate on images of every class, or keep the last layers in float",
    )


def data_warnings(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What of the images the models never saw; once for all variants that share them."""
    first: dict[str, Mapping[str, Any]] = {}
    for variant in variants:
        if variant["data"]:
            first.setdefault(repr(variant["data"]), variant)
    found = []
    for variant in first.values():
        data, name = variant["data"], variant["name"] if len(first) > 1 else None
        about = f"{name}: " if name else ""
        if data["left_out"]:
            files = _named(data["left_out_names"], data["left_out"])
            seen = data["train_images"] + data["test_images"]
            what = f"{data['left_out']} of {seen + data['left_out']} images can't be read and were"
            remedy = "mend or remove them; the log of the stage data says what is wrong with each"
            message = f"{about}{what} left out: {files}"
            found.append(warning("images-left-out", message, remedy, name))
        if data["empty_classes"]:
            classes = _named(data["empty_classes"], len(data["empty_classes"]))
            message = f"{about}classes without any image, which no model here knows: {classes}"
            remedy = "add images, or remove what names the class"
            found.append(warning("class-empty", message, remedy, name))
        if unequal := _imbalance(data):
            remedy = (
                "add images of the rare classes, or let them count more: train: {class_weights: "
                "balanced}; what each class is known by stands in result.json"
            )
            found.append(warning("classes-unequal", f"{about}{unequal}", remedy, name))
    return found


def _imbalance(data: Mapping[str, Any]) -> str:
    """How unequal the classes of the training images are, in words; empty where they hardly are.

    The right answer may then be to name a frequent class, which accuracy as a whole rewards.
    """
    counts = {name: train for name, (train, _) in data.get("class_counts", {}).items()}
    if not counts:
        return ""
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[most] <= _MOST_TIMES * counts[least]:
        return ""
    return (
        f"classes are of very unequal size: {counts[most]} training images of {most}, "
        f"{counts[least]} of {least}"
    )


def _named(names: Sequence[str], count: int) -> str:
    """The first few names, and how many more there are."""
    shown = list(names[:_MOST_NAMED])
    return ", ".join(shown + [f"{count - len(shown)} more"] * (count > len(shown)))
