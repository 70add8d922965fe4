"""The table of a result for other programs: .csv for spreadsheets, Markdown for pages and mails."""

from __future__ import annotations

import csv
import io
from typing import Any

from runner.report.controls import control_sentences
from runner.report.result import Result
from runner.report.rows import columns, joined, make_rows
from runner.report.wording import headline, recipe_sentences, verdict_sentence

_FIGURES = ("p50", "p90", "p95", "p99", "min", "mean")


def csv_table(result: Result) -> str:
    """One line a variant, with unrounded figures; empty fields where nothing is known."""
    comparisons = {one["variant"]: one for one in result["comparisons"]}
    axes = list(dict.fromkeys(axis for variant in result["variants"] for axis in variant["axes"]))
    stream = io.StringIO()
    lines = [_line(variant, comparisons.get(variant["name"])) for variant in result["variants"]]
    names = list(lines[0])
    writer = csv.DictWriter(stream, [*(f"axis:{axis}" for axis in axes), *names])
    writer.writeheader()
    for variant, line in zip(result["variants"], lines, strict=True):
        chosen = {f"axis:{axis}": variant["axes"].get(axis, "") for axis in axes}
        writer.writerow(chosen | line)
    return stream.getvalue()


def markdown_page(result: Result) -> str:
    """The answer, the table and the verdicts."""
    titles = [" / ".join(title) for title in columns(result)]
    lines = [
        f"# {result['question'] or result['name']}",
        "",
        headline(result),
        "",
        _markdown_row(titles),
        _markdown_row(["---", *["--:"] * (len(titles) - 1)]),
    ]
    for row in make_rows(result):
        cells = [
            row.name,
            joined(row.latency, row.latency_interval),
            *row.percentiles,
            joined(row.ratio, row.ratio_interval),
            row.verdict + " (a little)" * row.below_effect,
            " / ".join(filter(None, row.accuracy)),
            " / ".join(filter(None, (row.size, row.memory))),
        ]
        lines.append(_markdown_row(cells))
    sentences = [sentence for _, sentence in recipe_sentences(result)]
    sentences += [verdict_sentence(one, result) for one in result["comparisons"]]
    controls = [sentence for _, sentence in control_sentences(result)]
    lines += ["", *(f"- {sentence}" for sentence in [*sentences, *controls])]
    return "\n".join(lines).rstrip() + "\n"


def _line(variant: dict[str, Any], comparison: dict[str, Any] | None) -> dict[str, Any]:
    latency = variant["latency_ns"] or {}
    accuracy, model = variant["accuracy"] or {}, variant["model"] or {}
    compared = comparison or {}
    low, high = latency.get("interval") or (None, None)
    ratio_low, ratio_high = compared.get("interval") or (None, None)
    return {
        "variant": variant["name"],
        "status": variant["status"],
        "latency_ns": latency.get("median"),
        "latency_low_ns": low,
        "latency_high_ns": high,
        **{f"{name}_ns": latency.get(name) for name in _FIGURES},
        "ratio": compared.get("ratio"),
        "ratio_low": ratio_low,
        "ratio_high": ratio_high,
        "verdict": compared.get("verdict"),
        "blocks": compared.get("blocks"),
        "accuracy_keras": accuracy.get("keras"),
        "accuracy_tflite": accuracy.get("tflite"),
        "top5_keras": accuracy.get("keras_top5"),
        "top5_tflite": accuracy.get("tflite_top5"),
        "agreement": accuracy.get("agreement"),
        "largest_difference": accuracy.get("largest_difference"),
        "bytes": model.get("bytes"),
        "parameters": model.get("parameters"),
        "trainable_parameters": model.get("trainable_parameters"),
        "multiply_adds": model.get("multiply_adds"),
        "peak_memory_bytes": variant["peak_memory_bytes"],
        "sustained_per_second": (variant.get("throughput") or {}).get("per_second"),
    }


def _markdown_row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
