"""Data sets by name, where there is no network and where a package is missing."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.data import make_data
from runner.build.failures import StageFailure
from tests.build.conftest import Bench, data_params
from tests.build.test_data import make
from tests.file_systems import mounted

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


def test_files_that_were_provided_are_read_where_the_message_said(
    keras_home: Path, tmp_path: Path
) -> None:
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


@pytest.fixture(scope="module")
def catalogue(tensorflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of TensorFlow Datasets with a set that its own writer wrote, from no network."""
    tfds = pytest.importorskip("tensorflow_datasets", reason="the extra datasets is not installed")
    from etils import epath

    class TwoTones(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc, name-defined]
        """Dark and light pictures of several sizes."""

        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = epath.Path(tmp_path_factory.mktemp("code"))

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["dark", "light"]),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, manager: Any) -> Any:
            return {"train": self._generate_examples(20), "test": self._generate_examples(6)}

        def _generate_examples(self, count: int) -> Any:
            for number in range(count):
                tone = np.full((8, 8 + number % 3, 3), 20 + 200 * (number % 2), np.uint8)
                yield str(number), {"image": tone, "label": number % 2}

    class Sentences(TwoTones):
        """No pictures."""

        def _info(self) -> Any:
            features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _generate_examples(self, count: int) -> Any:
            yield from ((str(number), {"text": "word"}) for number in range(count))

    folder = tmp_path_factory.mktemp("catalogue")
    for make_set in (TwoTones, Sentences):
        make_set(data_dir=str(folder)).download_and_prepare()
    return folder


def test_a_prepared_set_of_tensorflow_datasets_is_read_by_its_name_in_a_worker(
    bench: Bench, catalogue: Path
) -> None:
    params = data_params(
        "tfds", dataset="two_tones", image_size=[8, 8], own={"folder": str(catalogue)}
    )
    folder, summary = bench.run("data", params)
    assert summary["class_counts"] == {"dark": [10, 3], "light": [10, 3]}
    for split in ("train", "test"):
        images = np.load(folder / f"{split}_images.npy")
        labels = np.load(folder / f"{split}_labels.npy")
        # Every picture stands beside its own label.
        assert (images.mean(axis=(1, 2, 3)) == np.where(labels == 1, 220, 20)).all()
    assert json.loads((folder / "classes.json").read_text()) == ["dark", "light"]
    few = bench.run("data", params | {"limit": 13})[1]
    assert (few["train_images"], few["test_images"]) == (10, 3)


def test_two_stages_that_need_a_set_which_nobody_prepared_yet_prepare_it_once(
    tensorflow: Any, tmp_path: Path
) -> None:
    tfds = pytest.importorskip("tensorflow_datasets", reason="the extra datasets is not installed")
    from etils import epath

    from runner.build.sources import downloaded

    prepared: list[float] = []

    class SlowTones(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc, name-defined]
        """Takes its time, in which another stage would begin."""

        VERSION = tfds.core.Version("1.0.0")
        pkg_dir_path = epath.Path(tmp_path / "code")

        def _info(self) -> Any:
            features = {
                "image": tfds.features.Image(shape=(8, 8, 3)),
                "label": tfds.features.ClassLabel(names=["dark", "light"]),
            }
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, manager: Any) -> Any:
            prepared.append(time.monotonic())
            time.sleep(1.0)
            return {"train": self._generate_examples()}

        def _generate_examples(self) -> Any:
            for number in range(4):
                tone = np.full((8, 8, 3), 200 * (number % 2), np.uint8)
                yield str(number), {"image": tone, "label": number % 2}

    options = {"dataset": "slow_tones", "folder": str(tmp_path / "sets")}
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(downloaded.tfds, options) for _ in range(2)]
        sets = [one.result(60) for one in asked]
    assert [len(one.labels) for one in sets] == [4, 4]
    assert len(prepared) == 1


def test_a_set_without_labelled_images_says_what_it_has(catalogue: Path, tmp_path: Path) -> None:
    params = data_params("tfds", dataset="sentences", own={"folder": str(catalogue)})
    with pytest.raises(StageFailure, match="sentences is none of labelled images") as caught:
        make_data(params, tmp_path, lambda progress: None)
    assert "train" in caught.value.why


@pytest.mark.parametrize(
    ("name", "version", "why"),
    [
        ("tf_flowers", "3.0.1", "Name or service not known"),
        ("no_such_set", "VERSION", "Dataset no_such_set not found"),
    ],
)
def test_an_absent_set_without_a_network_says_what_to_put_where(
    catalogue: Path, keras_home: Path, tmp_path: Path, name: str, version: str, why: str
) -> None:
    empty = tmp_path / "empty"
    params = data_params("tfds", dataset=name, own={"folder": str(empty)})
    with pytest.raises(StageFailure, match=f"{name} of TensorFlow Datasets") as caught:
        make_data(params, tmp_path, lambda progress: None)
    assert why in caught.value.why
    assert "abstract_reasoning" not in caught.value.why
    assert f"put it at {empty / name / version}," in caught.value.remedy


def test_files_in_a_folder_that_cannot_be_written_to_are_read_without_a_lock(
    tmp_path: Path,
) -> None:
    from runner.build.downloads import alone

    mount = tmp_path / "read-only"
    with mounted(mount, "ro") as is_there:
        if not is_there:
            pytest.skip("mounting a file system needs root")
        for folder in (mount, mount / "models"):
            with alone(folder):
                assert not list(mount.iterdir())


def test_a_missing_package_names_the_extra_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    params = data_params("tfds", dataset="tf_flowers")
    with pytest.raises(StageFailure, match="not installed") as caught:
        make_data(params, tmp_path, lambda progress: None)
    assert caught.value.kind == "missing_package"
    assert "retime[datasets]" in caught.value.remedy
