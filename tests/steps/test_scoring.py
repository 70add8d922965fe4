"""A model's answers are compared from the files that the stages left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.errors import StageError
from runner.plan.stages import Stage
from runner.steps.scoring import compare_answers
from runner.store.artifacts import Artifact

pytestmark = pytest.mark.fast

STAGE = Stage("evaluate", "0" * 64, {}, {}, {}, ("wide", "narrow"), ("wide", "narrow"))


def artifact(folder: Path, **arrays: np.ndarray) -> Artifact:
    folder.mkdir()
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return Artifact("0" * 64, folder, "", 0.0, 0, {}, {})


@pytest.fixture
def data(tmp_path: Path) -> Artifact:
    made = artifact(tmp_path / "data", test_labels=np.array([0, 1, 1]))
    made.file("classes.json").write_text(json.dumps(["cat", "dog"]))
    return made


def test_both_models_answers_are_read_and_a_finished_file_has_no_model_before_it(
    data: Artifact, tmp_path: Path
) -> None:
    after = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    draft = artifact(tmp_path / "draft", scores=after).folder
    trained = artifact(
        tmp_path / "trained", test_scores=np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    )
    found = compare_answers(trained, draft, data, STAGE)
    assert (found["keras"], found["tflite"], found["lost"]) == (1.0, pytest.approx(2 / 3), 1)
    assert json.loads(json.dumps(found))["classes"][1]["tflite"] == 0.5
    assert found["compression"] is None
    lost = {"before": 1.0, "lost": 1, "gained": 0}
    compressed = replace(trained, summary={"compression": lost})
    assert compare_answers(compressed, draft, data, STAGE)["compression"] == lost
    # A network with several outputs is trained, and not scored.
    for nothing in (None, artifact(tmp_path / "loaded")):
        assert compare_answers(nothing, draft, data, STAGE)["keras"] is None


def test_another_number_of_scores_than_classes_is_refused_with_both_numbers(
    data: Artifact, tmp_path: Path
) -> None:
    draft = artifact(tmp_path / "draft", scores=np.zeros((3, 1001), np.float32)).folder
    with pytest.raises(StageError, match="a score for each class") as caught:
        compare_answers(None, draft, data, STAGE)
    assert "1001 scores, the data has 2 classes" in caught.value.why
    assert caught.value.kind == "bad_input"
    assert "leave data out" in caught.value.remedy
