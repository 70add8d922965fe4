"""The report fits 80 columns, needs no colour, and shows every figure."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from runner.report.console import print_report
from runner.report.progress import LineDisplay, make_display
from tests.results import quickstart, with_recipe

pytestmark = pytest.mark.fast


def render(result: dict[str, object], width: int = 80) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False)
    print_report(console, result, Path("runs/quickstart/20260101-000000-abcdef12"))
    return stream.getvalue()


def test_no_line_of_a_report_is_wider_than_80_columns_but_paths() -> None:
    lines = render(quickstart()).splitlines()
    assert all(len(line) <= 80 for line in lines if "runs/" not in line)


def test_a_report_in_a_log_has_no_escape_codes_and_says_verdicts_in_words() -> None:
    text = render(quickstart())
    assert "\x1b" not in text
    for word in ("faster", "slower", "inconclusive", "baseline"):
        assert word in text


def test_recipes_are_told_before_files() -> None:
    text = render(with_recipe())
    assert text.index("Recipes, with 95% intervals over trained models") < text.index("Files, with")
    assert "over 5 trained models" in " ".join(text.split())
    assert "Verdicts, with" in render(quickstart())


@pytest.mark.parametrize(
    "figure",
    [
        *("305 us", "302-308", "1.05 ms", "1.04-1.06", "0.689x", "0.682-0.697"),
        *("92.2%", "91.9%", "1.57 MiB", "4.29 MiB", "head/quantize", "wide/int8"),
    ],
)
def test_every_figure_of_the_table_is_there(figure: str) -> None:
    assert figure in render(quickstart())


def test_agreement_with_the_trained_models_is_one_line_and_absent_where_unknown() -> None:
    result = quickstart()
    result["variants"][3]["accuracy"]["agreement"] = 0.871
    line = "Agreement with Keras: 87.1 % of 359 test images (wide/int8, the least)"
    assert line in render(result).splitlines()
    for variant in result["variants"]:
        variant["accuracy"] |= {"keras": None, "agreement": None, "largest_difference": None}
    assert "Keras" not in render(result)


@pytest.mark.parametrize("width", [80, 60])
def test_sizes_are_told_once_for_all_variants_that_share_them(width: int) -> None:
    result = quickstart()
    wide = {"parameters": 1_734_218, "trainable_parameters": 1_324_010, "multiply_adds": None}
    for variant in result["variants"][2:]:
        variant["model"] |= wide
    result["variants"][3]["model"] |= {"trainable_parameters": None}
    text = " ".join(render(result, width).split("Models")[1].split("Controls")[0].split())
    for figure in ("423,018", "12,810", "410,208", "11,245,312", "1,734,218", "410,208"):
        assert figure in text
    assert text.count("stock/float32, stock/int8") == text.count("423,018") == 1
    assert "None" not in text
    for variant in result["variants"]:
        variant["model"] |= dict.fromkeys(wide)
    assert "Models" not in render(result, width)


def test_a_failed_variant_shows_stage_reason_remedy_and_log() -> None:
    result = quickstart()
    result["variants"][3] |= {
        "status": "failed",
        "error": {
            "stage": "evaluate",
            "kind": "refused",
            "message": "AllocateTensors failed\nno_integer_overflow was not true",
            "remedy": "try another mode",
            "log": "runs/x/logs/evaluate.log",
        },
    }
    text = " ".join(render(result).split())
    assert "wide/int8: failed in evaluate: AllocateTensors failed" in text
    assert "no_integer_overflow was not true" in text
    assert "try another mode" in text
    assert "log: runs/x/logs/evaluate.log" in text


def test_a_result_with_nothing_measured_can_be_shown() -> None:
    result = quickstart()
    for variant in result["variants"]:
        variant |= {"status": "failed", "latency_ns": None, "accuracy": None, "model": None}
        variant |= {"peak_memory_bytes": None, "initialization_ns": None}
    result |= {"comparisons": [], "proven": False, "expectations": [], "warnings": []}
    result["blocks"] |= {"done": 0, "elapsed_s": 0.0, "runs_per_process": None}
    assert "the baseline failed" in render(result)


def test_progress_without_a_terminal_is_a_few_plain_lines() -> None:
    stream = io.StringIO()
    with make_display(Console(file=stream, width=80)) as display:
        assert isinstance(display, LineDisplay)
        task = display.task("train wide")
        for batch in range(100):
            task.update(batch, 100, "epoch 1")
        task.end("done")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "train wide: done" in lines[1]


@pytest.mark.parametrize(("asked", "shown"), [("", []), ("more", ["where the log is"])])
def test_details_are_for_whoever_asked_for_more(asked: str, shown: list[str]) -> None:
    stream = io.StringIO()
    with make_display(Console(file=stream, width=80), verbose=bool(asked)) as display:
        display.detail("where the log is")
    assert stream.getvalue().splitlines() == shown
