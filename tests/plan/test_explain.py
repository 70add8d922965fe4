"""Why a stage runs is said in the words of the spec."""

import pytest

from runner.plan.explain import Explainer

pytestmark = pytest.mark.fast

EARLIER = {
    "code": 1,
    "params": {"train": {"epochs": 2, "seed": 1}, "model": {"head": [{"kind": "flatten"}]}},
    "inputs": {"data": "aa"},
    "versions": {"tensorflow": "2.21.0"},
}


def test_the_nearest_earlier_artifact_is_named_by_what_differs() -> None:
    wanted = {**EARLIER, "params": {**EARLIER["params"], "train": {"epochs": 4, "seed": 1}}}
    far = {"code": 9, "params": {}, "inputs": {}, "versions": {}}
    assert Explainer([far, EARLIER]).explain(wanted) == "changed: train.epochs 2 -> 4"


def test_changed_inputs_versions_and_code_are_said_as_such() -> None:
    wanted = {**EARLIER, "code": 2, "inputs": {"data": "bb"}, "versions": {"tensorflow": "2.22"}}
    assert Explainer([EARLIER]).explain(wanted) == (
        "changed: code 1 -> 2, its data, versions.tensorflow 2.21.0 -> 2.22"
    )


def test_the_first_of_its_kind_says_so() -> None:
    assert Explainer([]).explain(EARLIER) == "nothing like it was made before"
