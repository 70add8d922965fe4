"""The same result as a page, a table and Markdown: whole, escaped, and well-formed."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from runner.report.accuracy import class_table
from runner.report.chart import ratio_chart
from runner.report.export import csv_table, markdown_page
from runner.report.html import html_page
from runner.report.rows import make_rows
from tests.results import class_accuracy, quickstart, with_recipe

pytestmark = pytest.mark.fast

FOLDER = Path("runs/quickstart/20260101-000000-abcdef12")
VOID = {"meta", "br"}


class Checker(HTMLParser):
    """Every element is closed in its turn; collects the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """An element without content."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(page: str) -> str:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert not checker.open
    return " ".join(" ".join(checker.text).split())


def test_the_page_is_well_formed_and_says_what_the_console_says() -> None:
    text = read(html_page(quickstart(), FOLDER))
    for words in (
        *("305 us", "302-308", "0.689x", "0.682-0.697", "92.2%", "1.57 MiB", "baseline"),
        *("faster, 0.689x (0.682-0.697)", "no difference found", str(FOLDER)),
    ):
        assert words in text


def test_the_page_has_the_size_of_every_model_and_the_table_for_programs_too() -> None:
    text = read(html_page(quickstart(), FOLDER))
    assert "Models model parameters trained frozen multiply-adds" in text
    assert "wide/int8 423,018 12,810 410,208 11,245,312" in text
    line = next(csv.DictReader(io.StringIO(csv_table(quickstart()))))
    assert (line["trainable_parameters"], line["multiply_adds"]) == ("12810", "11245312")


def test_the_page_has_every_figure_of_accuracy_and_each_class() -> None:
    result = quickstart()
    result["variants"][1]["accuracy"]["classes"][3] = class_accuracy("<3>", tflite=0.5, lost=9)
    for variant in result["variants"]:
        variant["accuracy"]["classes"][3] |= {"name": "<3>"}
    page = html_page(result, FOLDER)
    text = read(page)
    for words in (
        "stock/int8: 91.9 % of 359 test images right (92.2 % before conversion)",
        "99.7 % among the five best (99.8 % before conversion)",
        "same class as the trained model for 99 %; scores differ by 0.02 at the most",
        "Accuracy by class, all of them",
        "<3> 36 75 % 75 % to 50 % 75 % 75 %",
    ):
        assert words in text


def test_of_many_classes_those_that_lost_the_most_are_on_the_page() -> None:
    result = quickstart()
    for variant in result["variants"]:
        classes = [class_accuracy(f"kind-{number}") for number in range(1000)]
        variant["accuracy"]["classes"] = classes
    result["variants"][2]["accuracy"]["classes"][765] |= {"tflite": 0.0, "lost": 27}
    table = class_table(result)
    assert table is not None
    assert (len(table.rows), table.hidden) == (30, 970)
    assert [row for row in table.rows if row[0] == "kind-765"] == [
        ("kind-765", "36", "75 %", "75 %", "75 % to 0 %", "75 %")
    ]
    assert "the 30 that lost the most" in read(html_page(result, FOLDER))


def test_results_of_before_classes_were_counted_are_shown_without_them() -> None:
    result = quickstart()
    for variant in result["variants"]:
        for name in ("keras_top5", "tflite_top5", "lost", "gained", "classes"):
            del variant["accuracy"][name]
    text = read(html_page(result, FOLDER))
    assert "91.9 % of 359 test images right" in text
    assert "five best" not in text
    assert "by class" not in text


def test_what_was_not_scored_has_no_section_on_accuracy() -> None:
    result = quickstart()
    for variant in result["variants"]:
        variant["accuracy"] = None
    assert "Accuracy" not in read(html_page(result, FOLDER))


def test_recipes_are_told_before_files_on_every_page() -> None:
    sentence = "wide/float32: slower, 1.050x (1.020-1.080) over 5 trained models"
    text = read(html_page(with_recipe(), FOLDER))
    assert text.index("over trained models") < text.index(sentence) < text.index("Files, with")
    assert sentence in markdown_page(with_recipe())
    assert "Verdicts, with" in read(html_page(quickstart(), FOLDER))


def test_a_hostile_text_stays_a_text_on_the_page() -> None:
    result = quickstart()
    result["question"] = "<script>alert(1)</script> & <b>?"
    page = html_page(result, FOLDER)
    assert "<script" not in page
    assert "<script>alert(1)</script> & <b>?" in read(page)


def test_the_page_needs_no_other_file() -> None:
    page = html_page(quickstart(), FOLDER)
    assert not any(word in page for word in ("http:", "https:", "src=", "href=", "url("))


def test_the_chart_puts_every_ratio_between_the_ends_of_its_interval() -> None:
    result = quickstart()
    svg = ET.fromstring(ratio_chart(result)).find("svg")
    assert svg is not None
    circles = [float(circle.attrib["cx"]) for circle in svg.iter("circle")]
    paths = [path.attrib["d"] for path in svg.iter("path") if "H" in path.attrib["d"]]
    assert len(circles) == len(paths) == len(result["comparisons"])
    for x, path in zip(circles, paths, strict=True):
        low = float(path.removeprefix("M").split()[0])
        high = float(path.partition("H")[2].partition("M")[0])
        assert low <= x <= high
    ratios = [one["ratio"] for one in result["comparisons"]]
    assert [circles.index(x) for x in sorted(circles)] == [ratios.index(r) for r in sorted(ratios)]


def test_there_is_no_chart_where_nothing_was_compared() -> None:
    assert ratio_chart(quickstart() | {"comparisons": []}) == ""


def test_the_table_for_spreadsheets_has_every_variant_unrounded() -> None:
    result = quickstart()
    rows = list(csv.DictReader(io.StringIO(csv_table(result))))
    assert [row["variant"] for row in rows] == [one["name"] for one in result["variants"]]
    wide = rows[2]
    assert (wide["axis:model.head"], wide["axis:quantize"]) == ("wide", "float32")
    assert float(wide["ratio"]) == result["comparisons"][1]["ratio"]
    assert float(wide["p99_ns"]) == result["variants"][2]["latency_ns"]["p99"]
    assert rows[0]["ratio"] == ""
    assert (float(wide["top5_tflite"]), float(wide["agreement"])) == (0.997, 0.99)


def test_markdown_has_one_row_a_variant_and_keeps_bars_in_their_cells() -> None:
    result = quickstart()
    result["variants"][3]["axes"]["model.head"] = "a|b"
    lines = markdown_page(result).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + len(result["variants"])
    assert all(line.replace("\\|", "").count("|") == table[0].count("|") for line in table)


def test_rows_come_in_the_order_and_with_the_percentiles_that_the_spec_asks_for() -> None:
    result = quickstart()
    result["report"] = {"formats": [], "percentiles": ["p90", "p99"], "sort": "latency"}
    rows = make_rows(result)
    medians = [one["latency_ns"]["median"] for one in result["variants"]]
    assert [row.latency for row in rows] == ["210 us", "305 us", "321 us", "1.05 ms"]
    assert sorted(medians) == [210_000, 305_000, 321_000, 1_050_000]
    assert rows[0].percentiles == ("231 us", "273 us")


def test_variants_without_a_figure_come_last() -> None:
    result = quickstart()
    result["report"]["sort"] = "accuracy"
    result["variants"][0]["accuracy"] = None
    assert make_rows(result)[-1].accuracy == ("", "")


def test_names_that_would_be_alike_are_written_out() -> None:
    result = quickstart()
    result["variants"][1]["axes"] = {"train.epochs": "2"}
    result["variants"][2]["axes"] = {"runtime.threads": "2"}
    names = [row.name for row in make_rows(result)]
    assert names[1:3] == [one["name"] for one in result["variants"][1:3]]
