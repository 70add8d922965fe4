"""Data sets: every kind of source, splits, limits, and images that are not as they should be."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.build.arrays import ArrayWriter, open_array, save_array
from runner.build.data import make_data, split
from runner.build.failures import StageFailure, explain
from runner.build.sources.collection import Collection
from runner.build.sources.digits import digits, load_digits
from tests.build.conftest import Bench, data_params

pytestmark = pytest.mark.fast


def make(folder: Path, params: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Runs the stage: its arrays by name, and its summary."""
    output = folder / f"output-{len(list(folder.glob('output-*')))}"
    output.mkdir()
    summary = make_data(params, output, lambda progress: None)
    names = [f"{part}_{what}" for part in ("train", "test") for what in ("images", "labels")]
    return {name: np.load(output / f"{name}.npy") for name in names}, summary


def test_the_digits_are_the_known_set() -> None:
    images, labels = load_digits()
    assert images.shape == (1797, 8, 8)
    assert (images.dtype, images.min(), images.max()) == (np.uint8, 0, 255)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def every(collection: Collection) -> np.ndarray:
    return np.arange(len(collection.labels))


@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.9])
def test_a_split_has_every_class_in_its_share(fraction: float) -> None:
    collection = digits()
    is_test = split(collection, every(collection), fraction, 7)
    assert is_test.sum() == round(1797 * fraction)
    for digit in range(10):
        members = collection.labels == digit
        assert abs(is_test[members].sum() - fraction * members.sum()) <= 1


def test_a_split_follows_from_its_seed_alone() -> None:
    collection = digits()
    first, again, other = (split(collection, every(collection), 0.2, seed) for seed in (7, 7, 8))
    assert (first == again).all()
    assert (first != other).any()


def test_an_array_written_in_pieces_is_the_array(tmp_path: Path) -> None:
    array = np.arange(70, dtype=np.int64).reshape(10, 7)[:, ::2]
    with ArrayWriter(tmp_path / "pieces.npy", array.shape, array.dtype) as writer:
        for start in range(0, 10, 3):
            writer.append(array[start : start + 3])
    save_array(tmp_path / "whole.npy", array)
    for name in ("pieces.npy", "whole.npy"):
        assert (open_array(tmp_path / name) == array).all()


@pytest.mark.parametrize("announced", [10, 1_000_000_000])
def test_an_array_may_end_before_the_rows_that_were_announced(
    tmp_path: Path, announced: int
) -> None:
    array = np.arange(21, dtype=np.uint8).reshape(3, 7)
    with ArrayWriter(tmp_path / "a.npy", (announced, 7), np.uint8) as writer:
        writer.append(array)
    assert (np.load(tmp_path / "a.npy") == array).all()


def test_a_full_disk_is_recognised_while_an_array_is_written(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space") as caught:
        save_array(small_disk / "large.npy", np.zeros(100_000))
    assert explain(caught.value).kind == "no_space"


def test_the_stage_writes_every_image_once_at_the_size_asked_for(tmp_path: Path) -> None:
    arrays, summary = make(tmp_path, data_params(test_fraction=0.2))
    train, test = arrays["train_images"], arrays["test_images"]
    assert train.shape == (1438, 16, 24, 3)
    assert train.dtype == test.dtype == np.uint8
    _, labels = load_digits()
    counts = np.bincount(arrays["train_labels"]) + np.bincount(arrays["test_labels"])
    assert (counts == np.bincount(labels)).all()
    assert summary["classes"] == 10
    assert (summary["train_images"], summary["test_images"]) == (1438, 359)
    assert sum(map(sum, summary["class_counts"].values())) == 1797
    assert (summary["corrupt"], summary["empty_classes"]) == (0, [])
    # Half-pixel bilinear resizing: places inside the picture keep the mean, all channels agree.
    collection = digits()
    kept = load_digits()[0][split(collection, every(collection), 0.2, 7)]
    assert np.abs(test.mean(axis=(1, 2, 3)) - kept.mean(axis=(1, 2))).max() < 4
    assert (test[..., 0] == test[..., 2]).all()


@pytest.mark.acceptance
def test_the_stage_runs_in_a_worker_and_reports_every_image(bench: Bench) -> None:
    folder, _ = bench.run("data", data_params())
    assert json.loads((folder / "classes.json").read_text()) == list("0123456789")
    assert bench.events[-1].done == bench.events[-1].total == 1797


def test_the_same_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    params = data_params(image_size=[8, 8])
    first, second = (make(tmp_path, params)[0] for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)
    # At its own size a picture stays as it is.
    collection = digits()
    kept = load_digits()[0][split(collection, every(collection), 0.25, 7)]
    assert (first["test_images"][..., 0] == kept).all()


def test_a_limit_takes_a_seeded_choice_with_every_class_in_its_share(tmp_path: Path) -> None:
    arrays, summary = make(tmp_path, data_params(limit=100))
    assert (len(arrays["train_images"]), len(arrays["test_images"])) == (75, 25)
    assert {sum(counts) for counts in summary["class_counts"].values()} <= {9, 10, 11}
    again, other = (make(tmp_path, data_params(limit=100, seed=seed))[0] for seed in (7, 8))
    assert (arrays["train_images"] == again["train_images"]).all()
    assert (arrays["train_images"] != other["train_images"]).any()
    assert len(make(tmp_path, data_params(limit=5000))[0]["train_images"]) == 1348


# Images in files --------------------------------------------------------------------------------


def save_image(path: Path, value: Any, mode: str = "RGB", size: tuple[int, int] = (20, 10)) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)
    return path


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Eight cats in red, eight dogs in blue."""
    for index in range(8):
        save_image(tmp_path / "animals" / "cat" / f"{index}.png", (200 + index, 0, 0))
        save_image(tmp_path / "animals" / "dog" / f"{index}.jpg", (0, 0, 200 + index))
    return tmp_path / "animals"


def test_a_folder_has_a_class_in_each_subfolder(tmp_path: Path, animals: Path) -> None:
    (animals / "notes.txt").write_text("no class")
    (animals / ".hidden").mkdir()
    (animals / "cat" / "notes.txt").write_text("no image")
    arrays, summary = make(tmp_path, data_params("folder", path=str(animals)))
    assert summary["class_counts"] == {"cat": [6, 2], "dog": [6, 2]}
    for part in ("train", "test"):
        red = arrays[f"{part}_images"][:, 5, 5, 0] > 100
        assert (red == (arrays[f"{part}_labels"] == 0)).all()


def test_a_test_folder_of_its_own_is_the_test_split(tmp_path: Path, animals: Path) -> None:
    for name, color in (("cat", (250, 0, 0)), ("dog", (0, 0, 250))):
        save_image(tmp_path / "tests" / name / "1.png", color)
    params = data_params("folder", path=str(animals), test=str(tmp_path / "tests"))
    arrays, summary = make(tmp_path, params)
    assert summary["class_counts"] == {"cat": [8, 1], "dog": [8, 1]}
    assert arrays["test_images"].max(axis=(1, 2, 3)).tolist() == [250, 250]
    limited = make(tmp_path, params | {"limit": 14})[1]
    assert sum(map(sum, limited["class_counts"].values())) == 14
    save_image(tmp_path / "tests" / "emu" / "1.png", (0, 9, 0))
    with pytest.raises(StageFailure, match="not trained on: emu"):
        make(tmp_path, params)


def test_a_split_without_test_images_is_refused_before_anything_is_trained(
    tmp_path: Path, animals: Path
) -> None:
    with pytest.raises(StageFailure, match="no image is left to test on") as caught:
        make(tmp_path, data_params(limit=10))
    assert caught.value.kind == "bad_input"
    assert "each of 10 classes keeps one of 10 images" in caught.value.why
    for name in ("cat", "dog"):
        (tmp_path / "tests" / name).mkdir(parents=True)
        (tmp_path / "tests" / name / "1.png").write_bytes(b"")
    params = data_params("folder", path=str(animals), test=str(tmp_path / "tests"))
    with pytest.raises(StageFailure, match="no image is left to test on") as caught:
        make(tmp_path, params | {"corrupt_limit": 0.5})
    assert "its own test images" in caught.value.why


def test_a_class_without_images_is_named_and_one_class_is_refused(
    tmp_path: Path, animals: Path
) -> None:
    (animals / "emu").mkdir()
    params = data_params("folder", path=str(animals))
    assert make(tmp_path, params)[1]["empty_classes"] == ["emu"]
    for file in (animals / "dog").iterdir():
        file.unlink()
    with pytest.raises(StageFailure, match="fewer than two classes") as caught:
        make(tmp_path, params)
    assert caught.value.why == "classes with images: cat; without: dog, emu"


def test_a_table_names_files_and_labels(tmp_path: Path, animals: Path) -> None:
    rows = [
        f"{kind}/{i}.{end},{kind}"
        for kind, end in (("cat", "png"), ("dog", "jpg"))
        for i in range(8)
    ]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["file,animal", *rows]))
    params = data_params("csv", path=str(table), image="file", label="animal", root=str(animals))
    arrays, summary = make(tmp_path, params)
    assert summary["class_counts"] == {"cat": [6, 2], "dog": [6, 2]}
    assert ((arrays["train_images"][:, 5, 5, 0] > 100) == (arrays["train_labels"] == 0)).all()
    with pytest.raises(StageFailure, match="has no column 'label'") as caught:
        make(tmp_path, data_params("csv", path=str(table), image="file", label="label"))
    assert "file, animal" in caught.value.why
    table.write_text("\n".join(["file,animal", *rows, "cat/1.png,"]))
    with pytest.raises(StageFailure, match="without image or label") as caught:
        make(tmp_path, params)
    assert caught.value.why == "line 18"


def test_corrupt_images_are_counted_named_and_left_out_up_to_their_limit(
    tmp_path: Path, animals: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = (animals / "dog" / "3.jpg").read_bytes()
    (animals / "dog" / "3.jpg").write_bytes(whole[: len(whole) // 2])
    (animals / "cat" / "4.png").write_text("no image")
    params = data_params("folder", path=str(animals))
    arrays, summary = make(tmp_path, params | {"corrupt_limit": 0.2})
    assert summary["corrupt"] == 2
    assert summary["corrupt_names"] == [
        str(animals / "cat" / "4.png"),
        str(animals / "dog" / "3.jpg"),
    ]
    assert "no image by its content" in capfd.readouterr().out
    assert len(arrays["train_images"]) + len(arrays["test_images"]) == 14
    assert len(arrays["train_images"]) == len(arrays["train_labels"])
    with pytest.raises(StageFailure, match="2 of 16 images can't be read; 10%") as caught:
        make(tmp_path, params | {"corrupt_limit": 0.1})
    assert "dog/3.jpg: " in caught.value.why
    for file in (animals / "dog").iterdir():
        file.write_bytes(b"")
    with pytest.raises(StageFailure, match="no training image is left of dog"):
        make(tmp_path, params | {"corrupt_limit": 1.0})


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
        ("LA", (80, 0), (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("RGBA", (10, 20, 30, 0), (255, 255, 255)),
        ("I;16", 257 * 99, (99, 99, 99)),
    ],
)
def test_images_of_every_mode_become_rgb(
    tmp_path: Path, mode: str, value: Any, expected: tuple[int, ...]
) -> None:
    from runner.build.sources.pictures import decode, to_pixels

    pixels = to_pixels(decode(save_image(tmp_path / "a.png", value, mode)), (4, 6))
    assert pixels.shape == (4, 6, 3)
    assert pixels.dtype == np.uint8
    assert (pixels == np.array(expected)).all()


def test_sixteen_bits_are_scaled_alike_in_dark_and_in_light_pictures(tmp_path: Path) -> None:
    from runner.build.sources.pictures import decode, to_pixels

    for mode, suffix in (("I;16", "png"), ("I;16", "tif"), ("I;16", "pgm"), ("I", "tif")):
        made = [save_image(tmp_path / f"{n}.{suffix}", n, mode) for n in (0, 200, 300, 65535)]
        tones = [int(to_pixels(decode(file), (4, 6))[0, 0, 0]) for file in made]
        assert tones == [0, 0, 1, 255], (mode, suffix)


def test_images_of_thirty_two_bits_are_none(tmp_path: Path, animals: Path) -> None:
    save_image(animals / "cat" / "0.tif", 2**24, "I")
    summary = make(tmp_path, data_params("folder", path=str(animals), corrupt_limit=0.1))[1]
    assert summary["corrupt_names"] == [str(animals / "cat" / "0.tif")]


def test_a_picture_is_upright_as_its_camera_says(tmp_path: Path) -> None:
    from PIL import Image

    from runner.build.sources.pictures import decode, to_pixels

    image = Image.fromarray(np.repeat(np.array([[0], [255]], np.uint8), 2, axis=1))
    turned = Image.Exif()
    turned[0x0112] = 3
    image.save(tmp_path / "a.png", exif=turned)
    assert to_pixels(decode(tmp_path / "a.png"), (2, 2))[:, 0, 0].tolist() == [255, 0]


def test_shrinking_averages_over_all_pixels() -> None:
    from runner.build.sources.pictures import to_pixels

    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    assert np.abs(to_pixels(stripes, (8, 8)).astype(int) - 127).max() < 12


# Arrays -----------------------------------------------------------------------------------------

NUMBERS = np.arange(24 * 5 * 4, dtype=np.uint8).reshape(24, 5, 4)
LABELS = np.tile([3, 5, 10], 8)


def same_as_numbers(arrays: dict[str, np.ndarray], classes: list[int], count: int = 24) -> None:
    """Every image is there once, under its own label."""
    images = np.concatenate([arrays["train_images"], arrays["test_images"]])
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    assert len(images) == count
    for image, label in zip(images[..., 0], labels, strict=True):
        (place,) = np.flatnonzero((image == NUMBERS).all(axis=(1, 2)))
        assert LABELS[place] == classes[label]


@pytest.mark.parametrize("form", ["npz", "npz compressed", "npy", "channels", "text labels"])
def test_arrays_are_read_from_an_archive_or_two_files(tmp_path: Path, form: str) -> None:
    options: dict[str, str] = {"image_key": "x", "label_key": "y"}
    images, labels = NUMBERS, LABELS
    if form == "channels":
        images = NUMBERS[..., None]
    if form == "text labels":
        labels = LABELS.astype(str)
    if form == "npy":
        np.save(tmp_path / "x.npy", images)
        np.save(tmp_path / "y.npy", labels[:, None])
        options |= {"images": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}
    else:
        save = np.savez_compressed if form == "npz compressed" else np.savez
        save(tmp_path / "set.npz", x=images, y=labels)
        options["path"] = str(tmp_path / "set.npz")
    arrays, summary = make(tmp_path, data_params("arrays", image_size=[5, 4], **options))
    assert sorted(summary["class_counts"]) == ["10", "3", "5"]
    same_as_numbers(arrays, [int(name) for name in summary["class_counts"]])
    limited = make(tmp_path, data_params("arrays", image_size=[5, 4], limit=20, **options))[0]
    same_as_numbers(limited, [int(name) for name in summary["class_counts"]], 20)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.save(tmp_path / "y.npy", LABELS)
    options = {"images": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}
    with pytest.raises(StageFailure, match=r"x\.npy can't be read") as caught:
        make(tmp_path, data_params("arrays", **options))
    assert "Python objects" in caught.value.why


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (NUMBERS[:, 0], LABELS, "not (n, height, width[, channels])"),
        (NUMBERS, LABELS[:5], "24 images, and 5 labels"),
        (NUMBERS, LABELS + 0.5, "float64, neither whole numbers"),
    ],
)
def test_arrays_that_are_no_labelled_images_are_refused(
    tmp_path: Path, images: np.ndarray, labels: np.ndarray, words: str
) -> None:
    np.savez(tmp_path / "set.npz", a=images, b=labels)
    options = {"path": str(tmp_path / "set.npz"), "image_key": "a", "label_key": "b"}
    with pytest.raises(StageFailure) as caught:
        make(tmp_path, data_params("arrays", **options))
    assert words in caught.value.why
    with pytest.raises(StageFailure, match="has no array 'x'") as caught:
        make(tmp_path, data_params("arrays", **options | {"image_key": "x"}))
    assert caught.value.why == "its arrays: a, b"


def test_values_out_of_range_make_an_image_corrupt(tmp_path: Path) -> None:
    images = NUMBERS.astype(np.float32)
    images[7] = 300
    np.savez(tmp_path / "set.npz", x=images, y=LABELS)
    options = {"path": str(tmp_path / "set.npz"), "image_key": "x", "label_key": "y"}
    summary = make(tmp_path, data_params("arrays", corrupt_limit=0.1, **options))[1]
    assert summary["corrupt_names"] == ["image 7 of x in set.npz"]


@pytest.mark.parametrize("form", ["floats", "half floats", "tiff of floats", "tiff of 32 bits"])
def test_a_set_whose_white_is_not_ours_is_refused_and_a_dark_image_is_not(
    tmp_path: Path, form: str
) -> None:
    from PIL import Image

    images = NUMBERS.astype({"half floats": np.float16}.get(form, np.float32))
    if form == "tiff of 32 bits":
        dark, light = images.astype(np.int32), images.astype(np.int32) * 257
    else:
        dark, light = images / 255, images.copy()
    params = data_params("arrays", path=str(tmp_path / "x.npz"), image_key="x", label_key="y")
    if form.startswith("tiff"):
        params = data_params("folder", path=str(tmp_path / "set"))

    def write(images: np.ndarray) -> None:
        np.savez(tmp_path / "x.npz", x=images, y=LABELS)
        for number, image in enumerate(images):
            file = tmp_path / "set" / str(LABELS[number]) / f"{number}.tif"
            file.parent.mkdir(parents=True, exist_ok=True)
            if form.startswith("tiff"):
                Image.fromarray(image).save(file)

    write(dark)
    with pytest.raises(StageFailure, match="all images would be black") as caught:
        make(tmp_path, params)
    assert f"the largest value here is {dark.max():g}" in caught.value.why
    assert "uint8" in caught.value.remedy
    light[3] = dark[3]
    write(light)
    assert make(tmp_path, params)[0]["train_images"].max() > 100


def write_idx(path: Path, array: np.ndarray, *, gzipped: bool) -> Path:
    import gzip
    import struct

    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if gzipped else content)
    return path


@pytest.mark.parametrize("gzipped", [False, True])
def test_idx_files_are_read_plain_and_gzipped(tmp_path: Path, *, gzipped: bool) -> None:
    parts = {"images": NUMBERS[:18], "labels": LABELS[:18]}
    parts |= {"test_images": NUMBERS[18:], "test_labels": LABELS[18:]}
    options = {
        name: str(write_idx(tmp_path / name, part, gzipped=gzipped)) for name, part in parts.items()
    }
    arrays, summary = make(tmp_path, data_params("idx", image_size=[5, 4], **options))
    assert (arrays["train_images"][..., 1] == NUMBERS[:18]).all()
    assert (arrays["test_images"][..., 1] == NUMBERS[18:]).all()
    same_as_numbers(arrays, [int(name) for name in summary["class_counts"]])
    whole = Path(options["test_images"]).read_bytes()
    Path(options["test_images"]).write_bytes(whole[:-30])
    with pytest.raises(StageFailure, match="test_images can't be read"):
        make(tmp_path, data_params("idx", **options))
    Path(options["images"]).write_bytes(b"P5 no idx")
    with pytest.raises(StageFailure, match="images can't be read"):
        make(tmp_path, data_params("idx", **options))


def test_images_stream_through_memory(tmp_path: Path) -> None:
    images = np.zeros((400, 100, 100, 3), np.uint8)
    np.savez_compressed(tmp_path / "set.npz", x=images, y=np.arange(400) % 4)
    options = {"path": str(tmp_path / "set.npz"), "image_key": "x", "label_key": "y"}
    make(tmp_path, data_params("arrays", **options))
    tracemalloc.start()
    make(tmp_path, data_params("arrays", image_size=[100, 100], **options))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # What this test itself loads in the end, and a quarter of it.
    assert most < 1.25 * images.nbytes
