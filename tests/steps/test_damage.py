"""An experiment whose journal was damaged: what is left tells almost everything."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from runner.report.progress import Display
from runner.steps.ledger import Ledger, read_ledger
from runner.steps.measuring import measure
from runner.steps.question import Question
from runner.store.runs import Run
from tests.crashes.inspection import repeated_processes
from tests.steps.fake_target import FakeTarget, Samples

pytestmark = pytest.mark.fast


def finished(run: Run, question: Question, display: Display) -> Ledger:
    """An experiment of blocks that are cheap to run, with one that was done again."""

    def change(name: str, index: int, samples: Samples) -> Samples:
        # The first process of the fifth block, behind the pilot's three, gives nothing.
        return samples[:0] if (name, index) == (question.baseline, 8) else samples

    return measure(question, run, FakeTarget(change), display).ledger


def test_each_line_of_the_journal_can_be_damaged_and_little_more_than_it_told_is_missing(
    ask: Callable[..., Question],
    fake_run: Run,
    display: Display,
) -> None:
    question = ask(min_blocks=6, max_blocks=6, effect=1e-6)
    kept = finished(fake_run, question, display)
    journal = fake_run.folder / "journal.jsonl"
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) > 40
    for number, line in enumerate(lines):
        told = json.loads(line)
        journal.write_bytes(b"".join([*lines[:number], b"\x00" + line[1:], *lines[number + 1 :]]))
        ledger = read_ledger(fake_run)
        assert fake_run.journal.damaged_lines() == 1
        for name, blocks in kept.arms.items():
            own = {block for block in blocks if ledger.arms.get(name, {}).get(block) is None}
            is_last = number >= len(lines) - 2 and told["event"] == "block"
            lost = told["event"] == "process" and told["arm"] == name
            assert own <= ({told["block"]} if lost else {5} if is_last else set()), told
        # Going on needs nothing but what is missing, and repeats nothing else.
        target = FakeTarget()
        again = measure(question, fake_run, target, display).ledger
        assert again.blocks_done == 6
        assert len(target.jobs) <= 1, told
        events = [json.loads(one) for one in journal.read_bytes().splitlines() if one[:1] == b"{"]
        if told["event"] != "block":
            assert list(repeated_processes(events)) == []
        journal.write_bytes(whole)
