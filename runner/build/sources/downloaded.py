"""Data sets by name: those of keras.datasets, and those of TensorFlow Datasets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.build.downloads import alone, keras_folder, patient_network
from runner.build.failures import StageFailure, excerpt, explain, kind_of_download
from runner.build.sources.collection import Collection, Loader, number_labels, ready
from runner.build.sources.digits import of_array

_RETRIES = 2
# Where Keras looks for what it would download, below its folder of data sets.
_FILES = {
    "mnist": ("mnist.npz",),
    "fashion_mnist": tuple(
        f"fashion-mnist/{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ),
    "cifar10": ("cifar-10-batches-py-target_archive",),
    "cifar100": ("cifar-100-python-target_archive",),
}
_PUBLISHED = {
    "mnist": "mnist.npz",
    "fashion_mnist": "the four files of Fashion-MNIST",
    "cifar10": "cifar-10-python.tar.gz",
    "cifar100": "cifar-100-python.tar.gz",
}


def keras_dataset(options: Mapping[str, Any]) -> Collection:
    """A data set of keras.datasets, with its own test images; downloaded once by Keras.

    Raises:
        StageFailure: it can't be downloaded; names the file to provide, and where.
    """
    import keras

    name = options["dataset"]
    folder = keras_folder() / "datasets"
    try:
        with alone(folder), patient_network():
            parts = getattr(keras.datasets, name).load_data()
    except Exception as error:
        known = explain(error)
        if known.kind != "exception":
            raise known from error
        places = ", ".join(str(folder / file) for file in _FILES[name])
        raise StageFailure(
            kind_of_download(error),
            f"the data set {name} can't be loaded",
            why=excerpt(error),
            remedy=f"put {_PUBLISHED[name]} at {places}, where Keras looks for it; remove what is "
            "there and damaged",
        ) from error
    (train, train_labels), (test, test_labels) = parts
    labels, classes = number_labels(np.concatenate([train_labels, test_labels]).reshape(-1))
    is_test = np.arange(len(labels)) >= len(train)
    return of_array(np.concatenate([train, test]), labels, classes, is_test)


def tfds(options: Mapping[str, Any]) -> Collection:
    """A data set of TensorFlow Datasets with one image and one label an example.

    Its split `train` is used, and its split `test` where it has one.

    Raises:
        StageFailure: the package is missing, or the data set can't be had or is of another kind.
    """
    package = _import()
    name = options["dataset"]
    folder = Path(options.get("folder") or package.core.constants.DATA_DIR)
    place = folder / name / "VERSION"
    try:
        with alone(folder), patient_network(), _few_retries():
            builder = package.builder(name, data_dir=options.get("folder"))
            place = Path(builder.data_dir)
            builder.download_and_prepare()
    except Exception as error:
        known = explain(error)
        if known.kind != "exception":
            raise known from error
        raise StageFailure(
            kind_of_download(error),
            f"the data set {name} of TensorFlow Datasets can't be had",
            why=_first_lines(error),
            remedy="check its name; without a network, prepare it elsewhere and put it at "
            f"{place}, where the package looks for it; tfds: {{folder: PATH}} looks elsewhere",
        ) from error
    keys = builder.info.supervised_keys
    if not keys or keys[0] != "image" or "train" not in builder.info.splits:
        raise StageFailure(
            "bad_input",
            f"the data set {name} is none of labelled images",
            why=f"what it learns from: {keys}; its splits: {', '.join(builder.info.splits)}",
            remedy="choose a data set for image classification",
        )
    return _of_builder(package, builder, name, keys[1])


def _of_builder(package: Any, builder: Any, name: str, label: str) -> Collection:
    splits = [split for split in ("train", "test") if split in builder.info.splits]

    def examples(split: str, decoders: Any) -> Any:
        return builder.as_dataset(split=split, shuffle_files=False, decoders=decoders)

    # Labels first, without decoding any image.
    skip = {"image": package.decode.SkipDecoding()}
    given = [
        np.array([int(one[label]) for one in examples(split, skip)], np.int64) for split in splits
    ]
    labels = np.concatenate(given)
    is_test = np.arange(len(labels)) >= len(given[0]) if len(splits) == 2 else None
    names = list(builder.info.features[label].names)

    def read(chosen: NDArray[np.int64]) -> Iterator[Loader]:
        wanted, place = set(chosen.tolist()), 0
        for split in splits:
            for one in examples(split, None):
                if place in wanted:
                    yield ready(one["image"].numpy())
                place += 1

    return Collection(labels, names, read, lambda index: f"example {index} of {name}", is_test)


@contextlib.contextmanager
def _few_retries() -> Iterator[None]:
    """Three tries of a download, where the package's ten take minutes to find no network."""
    from tensorflow_datasets.core.download import downloader

    before = downloader.MAX_RETRIES
    downloader.MAX_RETRIES = _RETRIES
    try:
        yield
    finally:
        downloader.MAX_RETRIES = before


def _first_lines(error: Exception) -> str:
    """What an exception says, without the thousand names that the package knows instead."""
    return excerpt(error).partition("\nAvailable datasets:")[0]


def _import() -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise StageFailure(
            "missing_package",
            "TensorFlow Datasets is not installed",
            why=excerpt(error),
            remedy="pip install 'retime[datasets]'",
        ) from error
    return tensorflow_datasets
