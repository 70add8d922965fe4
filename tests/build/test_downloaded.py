"""Data sets by name, where there is no network and where a package is missing."""

from __future__ import annotations

import gzip
import importlib.util
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.data import make_data
from runner.build.failures import StageFailure
from tests.build.conftest import data_params
from tests.build.test_data import make

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def keras_home(tensorflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for Keras, and no network, wherever this test runs."""

    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(socket, "create_connection", unreachable)
    return tmp_path / "datasets"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "mnist.npz"),
        ("fashion_mnist", "fashion-mnist/t10k-labels-idx1-ubyte.gz"),
        ("cifar10", "cifar-10-batches-py-target_archive"),
        ("cifar100", "cifar-100-python-target_archive"),
    ],
)
def test_without_a_network_the_file_to_provide_and_its_place_are_named(
    keras_home: Path, tmp_path: Path, name: str, file: str
) -> None:
    with pytest.raises(StageFailure, match=f"{name} can't be loaded") as caught:
        make_data(data_params("keras", dataset=name), tmp_path, lambda progress: None)
    assert "Name or service not known" in caught.value.why
    assert str(keras_home / file) in caught.value.remedy


def test_files_that_were_provided_are_read_where_the_message_said(keras_home: Path, tmp_path: Path) -> None:
    folder = keras_home / "fashion-mnist"
    folder.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        # As small as it can be: Keras reads what is there and shapes it by the labels.
        labels = np.arange(count, dtype=np.uint8) % 10
        head = struct.pack(">IIII", 2051, count, 28, 28)
        with gzip.open(folder / f"{part}-images-idx3-ubyte.gz", "wb", 1) as file:
            file.write(head + bytes(count * 28 * 28))
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz", "wb", 1) as file:
            file.write(struct.pack(">II", 2049, count) + labels.tobytes())
    params = data_params("keras", dataset="fashion_mnist", limit=70, image_size=[8, 8])
    summary = make(tmp_path, params)[1]
    assert (summary["train_images"], summary["test_images"]) == (60, 10)


def test_a_missing_package_names_the_extra_to_install(tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorflow_datasets"):
        pytest.skip("TensorFlow Datasets is installed")
    params = data_params("tfds", dataset="tf_flowers")
    with pytest.raises(StageFailure, match="not installed") as caught:
        make_data(params, tmp_path, lambda progress: None)
    assert caught.value.kind == "missing_package"
    assert "retime[datasets]" in caught.value.remedy
