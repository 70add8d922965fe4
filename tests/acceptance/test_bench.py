"""The main job, end to end: real TensorFlow, the real library, real processes."""

from __future__ import annotations

import collections
import json
import shutil

import numpy as np
import pytest

from tests.bench import SMALL, Benched, Desk
from tests.results import check_result

pytestmark = pytest.mark.acceptance

# What int8 may change in a softmax score of this network; float32 is exact to rounding.
TOLERANCE = {"float32": 1e-4, "int8": 0.25}


def test_a_bench_ends_well_and_its_result_is_valid(benched: Benched) -> None:
    assert benched.done.returncode == 0, benched.done.stdout + benched.done.stderr
    check_result(benched.result)
    assert [variant["status"] for variant in benched.result["variants"]] == ["done"] * 4


def test_a_model_that_is_really_slower_is_called_slower(benched: Benched) -> None:
    comparisons = {record["variant"]: record for record in benched.result["comparisons"]}
    wide = comparisons["model.head=wide,quantize=float32"]
    assert wide["verdict"] == "slower"
    assert wide["interval"][0] > 1.1
    assert benched.result["expectations"][0]["holds"] is True


def test_one_training_feeds_both_quantization_modes(benched: Benched) -> None:
    stages = [event for event in benched.desk.events() if event["event"] == "stage"]
    counts = collections.Counter(event["stage"] for event in stages if event["status"] == "done")
    assert counts == {"data": 1, "features": 1, "train": 2, "convert": 4, "evaluate": 4}


@pytest.mark.parametrize("mode", ["float32", "int8"])
def test_the_converted_model_answers_as_keras_does(benched: Benched, mode: str) -> None:
    for variant in benched.result["variants"]:
        if variant["axes"]["quantize"] == mode:
            assert variant["accuracy"]["largest_difference"] <= TOLERANCE[mode]
            assert variant["accuracy"]["samples"] > 300


def test_every_class_and_the_five_best_are_counted_for_both_models(benched: Benched) -> None:
    for variant in benched.result["variants"]:
        accuracy = variant["accuracy"]
        assert [one["name"] for one in accuracy["classes"]] == [str(digit) for digit in range(10)]
        assert sum(one["samples"] for one in accuracy["classes"]) == accuracy["samples"]
        for model in ("keras", "tflite"):
            right = sum(one[model] * one["samples"] for one in accuracy["classes"])
            assert right / accuracy["samples"] == pytest.approx(accuracy[model])
            assert accuracy[model] <= accuracy[f"{model}_top5"] <= 1
        change = (accuracy["gained"] - accuracy["lost"]) / accuracy["samples"]
        assert accuracy["tflite"] - accuracy["keras"] == pytest.approx(change)


def test_every_sample_is_on_disk_and_gives_the_reported_median(benched: Benched) -> None:
    for variant in benched.result["variants"]:
        file = benched.folder / benched.result["samples"][variant["name"]]
        samples = np.fromfile(file, dtype="<i8")
        processes = [
            samples[event["first"] : event["first"] + event["count"]]
            for event in benched.desk.events()
            if event["event"] == "process" and event["arm"] == variant["name"]
        ]
        assert sum(map(len, processes)) == len(samples)
        if benched.result["blocks"]["redone"] == 0:
            medians = [np.log(np.median(process)) for process in processes]
            assert np.exp(np.mean(medians)) == pytest.approx(variant["latency_ns"]["median"])


def test_the_result_says_what_ran(benched: Benched) -> None:
    by_mode = {variant["axes"]["quantize"]: variant for variant in benched.result["variants"]}
    for variant in by_mode.values():
        runtime = variant["runtime"]
        assert runtime["version"]
        assert runtime["delegated_nodes"] > 0.9 * runtime["nodes"]
        assert variant["model"]["parameters"] > 400_000
        assert variant["peak_memory_bytes"] > variant["model"]["bytes"]
    assert by_mode["int8"]["model"]["bytes"] < 0.5 * by_mode["float32"]["model"]["bytes"]


def test_both_controls_are_in_the_result_with_the_delay_that_the_pilot_fixed(
    benched: Benched,
) -> None:
    controls, blocks = benched.result["controls"], benched.result["blocks"]
    assert controls["identical"]["interval"][0] < controls["identical"]["interval"][1]
    assert controls["identical"]["expected"] == 1.0
    assert blocks["delay_ns"] > 0
    assert controls["delayed"]["expected"] > 1.0
    assert benched.result["proven"] == all(control["passed"] for control in controls.values())


def test_the_report_names_question_verdicts_and_files(benched: Benched) -> None:
    text = " ".join(benched.done.stdout.split())
    assert benched.result["question"] in text
    assert "wide/float32 is slower" in text
    assert str(benched.folder) in benched.done.stdout
    assert "\x1b" not in benched.done.stdout


def test_a_second_bench_shows_the_same_result_and_runs_nothing(benched: Benched) -> None:
    before = benched.desk.events()
    again = benched.desk.retime("bench", SMALL)
    assert again.returncode == 0
    assert "--fresh measures anew" in again.stdout
    assert benched.desk.events() == before
    assert len(benched.desk.run_folders()) == 1


def test_a_changed_measurement_reuses_every_artifact(desk: Desk) -> None:
    spec = SMALL.read_text().replace("effect: 10%", "effect: 40%")
    path = desk.runs.parent / "coarse.yaml"
    path.write_text(spec.replace("max_blocks: 12", "max_blocks: 10"))
    done = desk.retime("bench", path)
    assert done.returncode in (0, 1), done.stderr
    statuses = {event["status"] for event in desk.events() if event["event"] == "stage"}
    assert statuses == {"cached"}


def test_a_larger_budget_adds_blocks_to_the_same_run(desk: Desk) -> None:
    text = SMALL.read_text().replace("effect: 10%", "effect: 0.6%")
    path = desk.runs.parent / "more.yaml"
    for looks, (most, done_before) in enumerate(((10, 0), (11, 10)), 1):
        path.write_text(text.replace("max_blocks: 12", f"max_blocks: {most}"))
        assert desk.retime("bench", path).returncode in (0, 1, 3)
        blocks = [e for e in desk.events() if e["event"] == "block" and not e["reasons"]]
        assert done_before < len(blocks) <= most
        (folder,) = desk.run_folders()
        result = json.loads((folder / "result.json").read_text())
        # How often somebody saw an answer and went on is kept with the answer.
        assert result["blocks"]["looks"] == looks
        assert result["blocks"]["host_changes"] == {}


def test_a_damaged_artifact_is_made_again_and_that_is_said(benched: Benched, desk: Desk) -> None:
    cache = desk.runs.parent / "cache"
    shutil.copytree(benched.desk.cache, cache)
    model = sorted((cache / "convert").glob("*/model.tflite"))[0]
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    spec = desk.runs.parent / "again.yaml"
    spec.write_text(SMALL.read_text().replace("max_blocks: 12", "max_blocks: 10"))
    damaged = Desk(desk.runs, cache)
    done = damaged.retime("bench", spec)
    assert done.returncode in (0, 1)
    made = [(e["stage"], e["status"]) for e in damaged.events() if e["event"] == "stage"]
    assert collections.Counter(made)["convert", "damaged"] == 1
    assert collections.Counter(made)["convert", "done"] == 1
    assert collections.Counter(made)["train", "done"] == 0
    # The user is told, at once and in the result.
    assert "damaged on the disk (model.tflite); it is made again" in done.stdout
    result = json.loads((damaged.run_folders()[-1] / "result.json").read_text())
    check_result(result)
    assert [one["files"] for one in result["repaired"]] == [["model.tflite"]]
    assert "artifact-repaired" in {one["kind"] for one in result["warnings"]}
