"""The morning after: what was asked, what came of it, why not, and what to do."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from runner.errors import ExitCode, StageError
from runner.report.summary import Outcome, Summary, as_markdown, headline_of, print_summary
from tests.results import quickstart

pytestmark = pytest.mark.fast


def outcome(name: str, status: str = "answered", **changes: Any) -> Outcome:
    usual = {"exit_code": 0, "seconds": 120.0, "folder": f"runs/{name}/1", "result": quickstart()}
    question = f"Is {name} slower?"
    return Outcome(f"{name}.yaml", name, question, status, **(usual | changes))


def failed(name: str) -> Outcome:
    error = {"what": "no library", "why": "none is installed", "remedy": "install one", "where": ""}
    changes = {"exit_code": 4, "folder": "", "result": None, "error": error}
    return outcome(name, "failed", **changes)


def unfinished(name: str, status: str = "unfinished") -> Outcome:
    return outcome(name, status, exit_code=130, folder="", result=None)


def summary(*outcomes: Outcome, **changes: Any) -> Summary:
    usual: dict[str, Any] = {
        "batch_id": "20260101-180000-abcdef12",
        "folder": "runs/_batches/20260101-180000-abcdef12",
        "began": "2026-01-01T18:00:00.000+00:00",
        "ended": "2026-01-02T00:12:00.000+00:00",
        "reason": "done",
        "starts": 1,
        "seconds": 22320.0,
    }
    return Summary(**(usual | changes), outcomes=outcomes)


def page(of: Summary, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_summary(console, of)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_headline_counts_what_became_of_every_question() -> None:
    told = headline_of(summary(outcome("a"), outcome("b"), failed("c"), unfinished("d", "waiting")))
    assert told == "2 of 4 questions answered, 1 failed, 1 waiting, in 6 h 12 min."
    again = headline_of(summary(outcome("a"), starts=3))
    assert again == "1 of 1 question answered, in 6 h 12 min and 3 starts."


def test_every_question_is_answered_in_a_sentence() -> None:
    text = " ".join(page(summary(outcome("heads"))).split())
    assert "Is heads slower?" in text
    assert "stock/int8 is faster (0.689x)" in text
    assert "1 of 13 blocks redone: 1 for steal" in text
    assert "holds: wide/float32" not in text or "latency ratio at most 1.1" in text


def test_what_was_done_again_is_told_of_blocks_and_of_stages() -> None:
    result = quickstart()
    result["repaired"] = [{"stage": "train", "label": "dense 64", "files": ["model.keras"]}]
    result["retried"] = [
        {"stage": "convert", "label": "int8", "count": 2, "reason": "the process died\nSIGKILL"}
    ]
    text = " ".join(page(summary(outcome("heads", result=result))).split())
    assert "train dense 64: damaged on the disk (model.keras), made again" in text
    assert "convert int8: tried 3 times, since the process died" in text
    assert "SIGKILL" not in text


def test_what_failed_says_why_and_what_to_do() -> None:
    text = page(summary(outcome("a"), failed("c")))
    for words in ("no library", "why: none is installed", "- c: install one"):
        assert words in text


def test_a_failed_variant_is_named_with_its_reason_and_remedy() -> None:
    result = quickstart()
    error = {"stage": "convert", "kind": "refused", "message": "no such op", "remedy": "leave it"}
    result["variants"][3] |= {"status": "failed", "error": error}
    text = page(summary(outcome("a", result=result, exit_code=3)))
    assert "wide/int8: failed in convert: no such op" in text
    assert "- a: wide/int8: leave it" in text


def test_what_failed_names_its_log_where_there_is_one() -> None:
    result = quickstart()
    error = {"stage": "train", "kind": "killed", "message": "died", "remedy": "again"}
    result["variants"][1]["error"] = error | {"log": "runs/a/1/logs/train.log"}
    whole = StageError("died", stage="train", kind="killed", log="runs/b/1/logs/train.log")
    other = outcome("b", "failed", result=None, error=whole.in_parts())
    told = as_markdown(summary(outcome("a", result=result), other, failed("c")))
    assert told.count("- log: ") == 2
    assert "- log: runs/a/1/logs/train.log" in told
    assert "- log: runs/b/1/logs/train.log" in told


def test_an_inconclusive_answer_says_how_much_more_would_tell() -> None:
    text = " ".join(page(summary(outcome("a"))).split())
    assert "wide/int8: inconclusive, 1.010x (0.990-1.030); about 40 more blocks" in text
    assert "raise measure.max_time" in text


@pytest.mark.parametrize("status", ["unfinished", "interrupted", "begun", "waiting"])
def test_what_was_not_finished_goes_on_with_the_same_command(status: str) -> None:
    assert "the same command goes on" in page(summary(unfinished("a", status)))
    assert "the same command goes on" not in page(summary(outcome("a")))


@pytest.mark.parametrize(
    ("codes", "whole"),
    [
        ([0, 0], ExitCode.DONE),
        ([0, 1], ExitCode.EXPECTATION_FAILED),
        ([1, 3], ExitCode.VARIANTS_FAILED),
        ([3, 4, 0], ExitCode.UNUSABLE_ENVIRONMENT),
        ([4, 130], ExitCode.INTERRUPTED),
    ],
)
def test_the_exit_code_is_that_of_the_spec_that_ended_worst(
    codes: list[int], whole: ExitCode
) -> None:
    outcomes = [outcome(str(index), exit_code=code) for index, code in enumerate(codes)]
    assert summary(*outcomes).exit_code is whole


def test_the_file_says_what_the_screen_says() -> None:
    told = summary(outcome("a"), failed("c"), unfinished("d", "interrupted"))
    screen, file = (" ".join(text.split()) for text in (page(told, 400), as_markdown(told)))
    for words in (headline_of(told), "Is a slower?", "0.689x", "install one", "d.yaml"):
        assert words in screen
        assert words in file


def test_machines_get_all_of_it_but_the_results_themselves() -> None:
    record = json.loads(summary(outcome("a"), failed("c")).as_json())
    assert record["exit_code"] == 4
    assert [one["status"] for one in record["outcomes"]] == ["answered", "failed"]
    assert record["outcomes"][0]["answer"].startswith("Against stock/float32")
    assert "result" not in record["outcomes"][0]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_window(width: int) -> None:
    told = summary(outcome("a"), failed("c"), unfinished("d", "waiting"))
    assert max(map(len, page(told, width).splitlines())) <= width
