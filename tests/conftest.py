"""Made once a session by real TensorFlow: small models, and one whole bench."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from runner.build.worker_process import ENVIRONMENT
from tests.bench import SMALL, Benched, Desk

# TensorFlow asks once, whoever imports it first; tests compare its bits with those of workers.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = ENVIRONMENT["TF_ENABLE_ONEDNN_OPTS"]

# Whoever started the tests may have had this ignored, as nohup does, and commands inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Two networks of some tens of microseconds, the second with three times as much to compute.
_MAKE_MODELS = """
import sys
from pathlib import Path
import tensorflow as tf

layers = tf.keras.layers
folder = Path(sys.argv[1])

def write(name, depth):
    taken = layers.Input(batch_shape=(1, 24, 24, 8))
    given = taken
    for _ in range(depth):
        given = layers.Conv2D(8, 3, padding="same", activation="relu")(given)
    model = tf.keras.Model(taken, layers.GlobalAveragePooling2D()(given))
    (folder / name).write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())

tf.keras.utils.set_random_seed(1)
write("plain.tflite", 4)
write("slower.tflite", 12)
"""


# Tests that bench. They come one after the other: a bench waits for whoever else is at work on its
# machine. They take longest, and begin first: see SIDE_BY_SIDE in the Makefile.
BENCHES = ("tests/acceptance", "tests/crashes")


class SharedOut(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives the tests of a file, which have their fixtures in common, to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "benches" if str(PurePosixPath(file).parent) in BENCHES else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How tests are shared out among processes."""
    return SharedOut(config, log)


@dataclass(frozen=True)
class Models:
    """Paths of .tflite files, and of bytes to feed them."""

    plain: Path
    slower: Path
    corrupt: Path
    input: Path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Converts them in a process of its own, so that no test imports TensorFlow by accident."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run(
        [sys.executable, "-c", _MAKE_MODELS, str(folder)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=True,
        capture_output=True,
    )
    corrupt = folder / "corrupt.tflite"
    corrupt.write_bytes((folder / "plain.tflite").read_bytes()[:2000])
    ones = folder / "input.bin"
    ones.write_bytes(b"\x00\x00\x80\x3f" * (24 * 24 * 8))
    return Models(folder / "plain.tflite", folder / "slower.tflite", corrupt, ones)


@pytest.fixture(scope="session")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Benched:
    """Trains, converts, times and reports once; artifacts stay for the other tests."""
    root = tmp_path_factory.mktemp("benched")
    desk = Desk(root / "runs", root / "cache")
    done = desk.retime("bench", SMALL)
    folders = desk.run_folders()
    assert folders, done.stdout + done.stderr
    result = json.loads((folders[-1] / "result.json").read_text())
    return Benched(desk, done, folders[-1], result)


@pytest.fixture
def desk(benched: Benched, tmp_path: Path) -> Desk:
    """A desk of its own that finds everything built."""
    return Desk(tmp_path / "runs", benched.desk.cache)


@pytest.fixture(scope="session")
def tensorflow() -> Any:
    """TensorFlow in this process, configured as in a worker with two threads."""
    from runner.build.frameworks import start_tensorflow

    start_tensorflow(2)
    import tensorflow as tf

    return tf
