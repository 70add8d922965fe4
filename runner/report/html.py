"""The report as one page that needs no other file, for browsers and mails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from runner.report.accuracy import accuracy_sentences, class_table
from runner.report.chart import ratio_chart
from runner.report.controls import control_sentences
from runner.report.models import TITLES, model_rows
from runner.report.result import Result
from runner.report.rows import Row, columns, make_rows
from runner.report.wording import (
    block_sentence,
    expectation_sentence,
    failure_lines,
    headline,
    recipe_sentences,
    throughput_sentences,
    verdict_sentence,
)
from runner.units import format_share

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #888; --slower: #c62828;
  --faster: #2e7d32; --equivalent: #00838f; --inconclusive: #b26a00; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; line-height: 1.3; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
.answer { font-size: 1.15rem; border-left: .3rem solid var(--equivalent); padding-left: .8rem; }
.unproven { border-color: var(--inconclusive); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .4rem .7rem; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th:first-child, td:first-child, .verdict { text-align: left; }
small, .dim { color: var(--dim); }
.slower, .failed, .bad { color: var(--slower); } .faster, .good { color: var(--faster); }
.equivalent { color: var(--equivalent); } .inconclusive, .warning { color: var(--inconclusive); }
.verdict { font-weight: 600; }
ul { padding-left: 1.2rem; } li { margin: .25rem 0; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def html_page(result: Result, folder: Path) -> str:
    """The whole page.

    Args:
        folder: the run's, which the page names.
    """
    title = escape(result["question"] or result["name"])
    body = "\n".join(_body(result, folder))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )


def _body(result: Result, folder: Path) -> Iterator[str]:
    kind = "answer" if result["proven"] else "answer unproven"
    yield f'<p class="{kind}">{escape(headline(result))}</p>'
    yield _table(result)
    yield ratio_chart(result)
    yield from _verdicts(result)
    yield from _failures(result)
    yield from _controls(result)
    yield from _models(result)
    yield from _accuracy(result)
    yield from _listed("Sustained load", (("", one) for one in throughput_sentences(result)))
    yield from _listed("Expectations", map(_expectation, result["expectations"]))
    yield from _listed("Warnings", map(_warning, result["warnings"]))
    yield _circumstances(result, folder)


def _table(result: Result) -> str:
    titles = columns(result)
    head = "".join(map(_title, titles))
    rows = "\n".join(map(_row, make_rows(result)))
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _title(title: Sequence[str]) -> str:
    kind = ' class="verdict"' if title == ("verdict",) else ""
    return f"<th{kind}>{'<br>'.join(map(escape, title))}</th>"


def _row(row: Row) -> str:
    verdict = escape(row.verdict) + ("<br><small>a little</small>" if row.below_effect else "")
    cells = [
        f"<td><strong>{escape(row.name)}</strong></td>",
        _cell(row.latency, row.latency_interval),
        *(_cell(value, "") for value in row.percentiles),
        _cell(row.ratio, row.ratio_interval),
        f'<td class="verdict {escape(row.verdict)}">{verdict}</td>',
        _cell(*row.accuracy),
        _cell(row.size, row.memory),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(first: str, second: str) -> str:
    below = f"<br><small>{escape(second)}</small>" if second else ""
    return f"<td>{escape(first)}{below}</td>"


def _verdicts(result: Result) -> Iterator[str]:
    confidence = format_share(result["design"]["confidence"])
    recipes = recipe_sentences(result)
    yield from _listed(f"Recipes, with {confidence} intervals over trained models", recipes)
    title = f"{'Files' if recipes else 'Verdicts'}, with {confidence} intervals"
    items = (
        (comparison["verdict"], verdict_sentence(comparison, result))
        for comparison in result["comparisons"]
    )
    yield from _listed(title, items)


def _failures(result: Result) -> Iterator[str]:
    items = (("bad", "\n".join((what, *further))) for what, further in failure_lines(result))
    yield from _listed("Failures", items)


def _controls(result: Result) -> Iterator[str]:
    items = [
        ("good" if passed else "bad", sentence) for passed, sentence in control_sentences(result)
    ]
    yield from _listed("Controls", [*items, ("dim", block_sentence(result))])


def _models(result: Result) -> Iterator[str]:
    if rows := model_rows(result):
        yield "<h2>Models</h2>\n" + _plain_table(
            TITLES, [(row.names, *row.figures) for row in rows]
        )


def _accuracy(result: Result) -> Iterator[str]:
    yield from _listed("Accuracy", (("", one) for one in accuracy_sentences(result)))
    table = class_table(result)
    if table is None:
        return
    which = f"the {len(table.rows)} that lost the most" if table.hidden else "all of them"
    yield (
        f"<details><summary>Accuracy by class, {which}; before and after conversion where they "
        f"differ</summary>\n{_plain_table(table.titles, table.rows)}</details>"
    )


def _plain_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _expectation(expectation: Mapping[str, Any]) -> tuple[str, str]:
    kind = {True: "good", False: "bad", None: "warning"}[expectation["holds"]]
    return kind, expectation_sentence(expectation)


def _warning(warning: Mapping[str, str]) -> tuple[str, str]:
    return "warning", f"{warning['message']}; {warning['remedy']}"


def _listed(title: str, items: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [
        f'<li class="{kind}">{escape(text).replace(chr(10), "<br>")}</li>' for kind, text in items
    ]
    if lines:
        yield f"<h2>{escape(title)}</h2>\n<ul>\n" + "\n".join(lines) + "\n</ul>"


def _circumstances(result: Result, folder: Path) -> str:
    """What was measured where, so that the page can be read alone."""
    host = result["host"]
    runtime = result["variants"][0]["runtime"]
    facts = {
        "run": f"{result['run_id']} in {folder}",
        "from, to": f"{result['started']}, {result['finished']}",
        "machine": f"{host['cpu']}, {host['cores']} cores, kernel {host['kernel']}",
        "governor": host["governor"] or "unknown",
        "library": f"{runtime['library']} {runtime['version'] or 'of unknown version'}",
        "library file": f"{runtime['path']} (SHA-256 {runtime['sha256'] or 'unknown'})",
        "spec": f"SHA-256 {result['spec_sha256']}",
        "schedule seed": str(result["design"]["schedule_seed"]),
    }
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items()
    )
    return f"<h2>Circumstances</h2>\n<dl>{rows}</dl>"
