"""Images in files of their own: a folder with a subfolder for each class, or a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.build.failures import StageFailure
from runner.build.sources.collection import Collection, Loader, number_classes
from runner.build.sources.pictures import SUFFIXES, open_picture


def folder(options: Mapping[str, Any]) -> Collection:
    """A subfolder for each class; test images in a folder of their own, if `test` names one.

    Files count by their suffix, hidden ones do not.

    Raises:
        StageFailure: the test folder has a class that is not trained on.
    """
    root = Path(options["path"])
    found = _images_by_class(root)
    classes = sorted(name for name, files in found.items() if files)
    files = [file for name in classes for file in found[name]]
    labels = [index for index, name in enumerate(classes) for _ in found[name]]
    is_test = None
    if options.get("test") is not None:
        tests = _images_by_class(Path(options["test"]))
        strange = sorted(name for name, some in tests.items() if some and name not in classes)
        if strange:
            raise StageFailure(
                "bad_input",
                f"the test images have a class that is not trained on: {', '.join(strange[:5])}",
                why=f"{root.name} has {', '.join(classes[:20])}",
                remedy="give both folders the same subfolders",
            )
        count = len(files)
        for index, name in enumerate(classes):
            files += tests.get(name, [])
            labels += [index] * len(tests.get(name, []))
        is_test = np.arange(len(files)) >= count
    empty = sorted(name for name, some in found.items() if not some)
    return _of_files(files, np.array(labels, np.int64), classes, is_test, empty)


def table(options: Mapping[str, Any]) -> Collection:
    """A .csv file with a column of image files and one of labels.

    Raises:
        StageFailure: it lacks a column, or a row lacks a value.
    """
    path = Path(options["path"])
    root = Path(options["root"]) if options.get("root") else path.parent
    image, label = options["image"], options["label"]
    files, names = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or []
            for column in (image, label):
                if column not in columns:
                    raise StageFailure(
                        "bad_input",
                        f"{path.name} has no column {column!r}",
                        why=f"its columns: {', '.join(columns) or 'none'}",
                        remedy="name the columns: csv: {image: COLUMN, label: COLUMN}",
                    )
            for row in rows:
                if not row[image] or not row[label]:
                    raise StageFailure(
                        "bad_input",
                        f"{path.name} has a row without image or label",
                        why=f"line {rows.line_num}",
                        remedy="fill it in, or remove the row",
                    )
                files.append(root / row[image])
                names.append(row[label].strip())
    except (UnicodeDecodeError, csv.Error) as error:
        raise StageFailure(
            "bad_input",
            f"{path.name} can't be read as a table",
            why=str(error),
            remedy="save it as CSV in UTF-8",
        ) from error
    labels, classes = number_classes(names)
    return _of_files(files, labels, classes)


def _images_by_class(root: Path) -> dict[str, list[Path]]:
    folders = sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
    return {
        one.name: sorted(
            file
            for file in one.rglob("*")
            if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
        )
        for one in folders
    }


def _of_files(
    files: Sequence[Path],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    is_test: NDArray[np.bool_] | None = None,
    empty: Sequence[str] = (),
) -> Collection:
    def read(chosen: NDArray[np.int64]) -> Iterator[Loader]:
        for index in chosen:
            yield open_picture(files[index])

    return Collection(labels, classes, read, lambda index: str(files[index]), is_test, empty)
