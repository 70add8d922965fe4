"""Images and labels: read, cut into splits, resized, on disk as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.build.arrays import ArrayWriter, save_array
from runner.build.dealing import deal
from runner.build.failures import StageFailure
from runner.build.protocol import Progress, Report
from runner.build.sources.collection import Collection, UnreadableImageError
from runner.build.sources.pictures import TOO_DARK, brightest, to_pixels

_SPLITS = ("train", "test")
_MOST_NAMED = 10


def make_data(params: Mapping[str, Any], output: Path, report: Report) -> dict[str, Any]:
    """Writes `{train,test}_images.npy`, `{train,test}_labels.npy` and `classes.json`.

    Images are uint8, shape (images, height, width, 3); labels are int64, shape (images,). One image
    at a time is in memory, or one block of drawn ones.

    Args:
        params: a `runner.spec.recipe.Data` as JSON.

    Returns:
        `classes`, `train_images`, `test_images`, `class_counts` (class -> images of both splits),
        `empty_classes`, `corrupt` (how many) and `corrupt_names` (the first of them).

    Raises:
        StageFailure: there are fewer than two classes, more corrupt images than allowed, none to
            train or to test on, or all are black for want of a scale.
    """
    size = (params["image_size"][0], params["image_size"][1])
    collection = open_source(params["source"], size)
    if len(collection.classes) < 2:
        raise StageFailure(
            "bad_input",
            "the data has fewer than two classes",
            why=f"classes with images: {', '.join(collection.classes) or 'none'}"
            + _listed("; without", collection.empty_classes),
            remedy="a classifier needs images of at least two classes",
        )
    chosen = choose(collection, params["limit"], params["seed"])
    is_test = split(collection, chosen, params["test_fraction"], params["seed"])
    written = _write(collection, chosen, is_test, size, output, report)
    _check_corrupt(written.corrupt, len(chosen), params["corrupt_limit"])
    _check_brightness(written.brightest)
    _check_classes(written.labels["train"], collection.classes)
    _check_test(written.labels["test"], collection, len(chosen))
    for name in _SPLITS:
        save_array(output / f"{name}_labels.npy", np.array(written.labels[name], np.int64))
    classes = list(collection.classes)
    (output / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    for name, why in written.corrupt:
        print(f"left out: {name}: {why}")  # noqa: T201 - to the stage's log
    return {
        "classes": len(classes),
        "train_images": len(written.labels["train"]),
        "test_images": len(written.labels["test"]),
        "class_counts": {
            name: [written.labels[part].count(index) for part in _SPLITS]
            for index, name in enumerate(classes)
        },
        "empty_classes": list(collection.empty_classes),
        "corrupt": len(written.corrupt),
        "corrupt_names": [name for name, _ in written.corrupt[:_MOST_NAMED]],
    }


def open_source(source: Mapping[str, Any], size: tuple[int, int]) -> Collection:
    """The labelled images of a source; what only one of them needs is imported there.

    Args:
        source: a `runner.spec.recipe.Source` as JSON.
        size: height and width, for images that are drawn.
    """
    kind, options = source["kind"], source["options"]
    match kind:
        case "digits":
            from runner.build.sources.digits import digits

            return digits()
        case "shapes":
            from runner.build.sources.shapes import shapes

            return shapes(options, size)
        case "folder" | "csv":
            from runner.build.sources import files

            return files.folder(options) if kind == "folder" else files.table(options)
        case "arrays" | "idx":
            from runner.build.sources import arrays

            return arrays.arrays(options) if kind == "arrays" else arrays.idx(options)
        case _:
            from runner.build.sources import downloaded

            named = {"keras": downloaded.keras_dataset, "tfds": downloaded.tfds}
            return named[kind](options)


def choose(collection: Collection, limit: int | None, seed: int) -> NDArray[np.int64]:
    """The images that are used, in their order: all, or a seeded choice of `limit`.

    Every class has its share, of training and of test images alike.
    """
    labels = collection.labels
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    groups = labels if collection.is_test is None else labels * 2 + collection.is_test
    return np.flatnonzero(deal(groups, limit, np.random.default_rng([seed, limit])))


def split(
    collection: Collection, chosen: NDArray[np.int64], test_fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Which of the chosen images are for testing: their own, or a seeded choice.

    The choice has every class in its share, and leaves each an image to train on.
    """
    if collection.is_test is not None:
        return collection.is_test[chosen]
    wanted = max(1, round(len(chosen) * test_fraction))
    labels = collection.labels[chosen]
    return deal(labels, wanted, np.random.default_rng(seed), keep_one=True)


@dataclass
class _Written:
    labels: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in _SPLITS})
    corrupt: list[tuple[str, str]] = field(default_factory=list)
    brightest: dict[str, float] = field(default_factory=dict)

    def note_brightness(self, image: Any) -> None:
        """Remembers the largest value of all images of a kind."""
        if found := brightest(image):
            kind, value = found
            self.brightest[kind] = max(value, self.brightest.get(kind, value))


def _write(
    collection: Collection,
    chosen: NDArray[np.int64],
    is_test: NDArray[np.bool_],
    size: tuple[int, int],
    output: Path,
    report: Report,
) -> _Written:
    """Writes the images of both splits in one pass; those that can't be read are left out."""
    written = _Written()
    with ExitStack() as stack:
        writers = {}
        for name, members in zip(_SPLITS, (~is_test, is_test), strict=True):
            shape = (int(members.sum()), *size, 3)
            writer = ArrayWriter(output / f"{name}_images.npy", shape, np.uint8)
            writers[name] = stack.enter_context(writer)
        for done, (index, load) in enumerate(
            zip(chosen, collection.read(chosen), strict=True), start=1
        ):
            name = _SPLITS[int(is_test[done - 1])]
            try:
                image = load()
                pixels = to_pixels(image, size)
            except UnreadableImageError as error:
                written.corrupt.append((collection.name(int(index)), str(error)))
            else:
                written.note_brightness(image)
                writers[name].append(pixels[None])
                written.labels[name].append(int(collection.labels[index]))
            report(Progress(done, len(chosen), "images", "image"))
    return written


def _check_corrupt(corrupt: list[tuple[str, str]], total: int, limit: float) -> None:
    if len(corrupt) > limit * total:
        first = "\n".join(f"{name}: {why}" for name, why in corrupt[:_MOST_NAMED])
        more = f"\nand {len(corrupt) - _MOST_NAMED} more" if len(corrupt) > _MOST_NAMED else ""
        raise StageFailure(
            "bad_input",
            f"{len(corrupt)} of {total} images can't be read, more than the {limit:.3g} allowed"
            if limit < 0.01
            else f"{len(corrupt)} of {total} images can't be read; {limit:.0%} may be unreadable",
            why=first + more,
            remedy="mend or remove them, or raise data.corrupt_limit",
        )


def _check_brightness(largest: Mapping[str, float]) -> None:
    """Refuses a set that has another white than ours, which would make all of it black.

    One image may well be dark, so that nothing can be told of it alone.
    """
    for kind, value in largest.items():
        if value <= TOO_DARK[kind]:
            white = "255, which is white" if kind == "floats" else "65535, which is white"
            factor = 255 if kind == "floats" else 1
            raise StageFailure(
                "bad_input",
                "all images would be black",
                why=f"images of {kind} go from 0 to {white}; the largest value here is {value:g}",
                remedy="store them with 8 bits, from 0 to 255: "
                f"(images * {factor}).round().astype('uint8')",
            )


def _check_classes(labels: list[int], classes: Any) -> None:
    present = set(labels)
    missing = [name for index, name in enumerate(classes) if index not in present]
    if missing:
        raise StageFailure(
            "bad_input",
            f"no training image is left of {', '.join(missing[:_MOST_NAMED])}",
            why="each class needs images to train on",
            remedy="add images, raise data.limit, or remove the class",
        )


def _check_test(labels: list[int], collection: Collection, used: int) -> None:
    if labels:
        return
    is_own = collection.is_test is not None
    raise StageFailure(
        "bad_input",
        "no image is left to test on",
        why="its own test images can't be read, or data.limit leaves none of them"
        if is_own
        else f"each of {len(collection.classes)} classes keeps one of {used} images to train on",
        remedy="add test images, or raise data.limit"
        if is_own
        else "add images, or raise data.limit",
    )


def _listed(words: str, names: Any) -> str:
    return f"{words}: {', '.join(names[:_MOST_NAMED])}" if names else ""
