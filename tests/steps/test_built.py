"""What a result says of a model file is taken from its artifact, not from reading it again."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from runner.steps.built import model_record
from runner.store.artifacts import ArtifactStore

pytestmark = pytest.mark.fast

LARGE = 64 * 2**20


@pytest.mark.parametrize("content", [b"\x10\0\0\0TFL3", b"no model", b""])
def test_a_large_file_is_not_held_in_memory(tmp_path: Path, content: bytes) -> None:
    store = ArtifactStore(tmp_path)
    draft = store.draft("convert", "ab" * 32)
    file = draft / "model.tflite"
    file.write_bytes(content)
    if content:
        os.truncate(file, LARGE)
    whole = file.read_bytes()
    digest = hashlib.sha256(whole).hexdigest()
    del whole
    made = store.commit(draft, "convert", "ab" * 32, identity={}, summary={}, seconds=0.0)
    tracemalloc.start()
    record = model_record(None, made, {"nodes": 3})
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < LARGE / 64
    assert (record["bytes"], record["sha256"]) == (LARGE if content else 0, digest)
    assert record["operations"] == 3
    assert not record["multiply_adds"]
