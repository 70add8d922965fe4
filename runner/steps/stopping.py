"""When an experiment ends, and when it likely will: by precision and budget alone."""

from __future__ import annotations

from runner.analysis.pilot import PilotFindings
from runner.analysis.precision import Precision
from runner.analysis.summaries import ProcessSummary
from runner.analysis.verdicts import Pairs
from runner.steps.deadline import Deadline
from runner.steps.ledger import Ledger
from runner.steps.question import Question
from runner.timing.protocol import DELAYED


def reason_to_stop(
    question: Question,
    ledger: Ledger,
    findings: PilotFindings,
    precision: Precision,
    deadline: Deadline,
) -> str:
    """Why no further block is to run; empty to go on. Never depends on where an interval lies.

    Args:
        precision: of this ledger's blocks; it takes up those that are new.
    """
    plan = question.measure
    if question.baseline in ledger.dropped:
        return "failed"
    if not _may_add(question, ledger):
        return "blocks"
    precision.take_up(*_compared(question, ledger))
    if precision.is_reached(plan.min_blocks):
        return "precise"
    if deadline.is_past:
        return "deadline"
    if not _is_time(question, ledger, findings):
        # What the last attempt came to says nothing of a night that has its blocks.
        is_short = ledger.blocks_done < plan.min_blocks
        return "disturbed" if ledger.in_vain and is_short else "time"
    return ""


def is_room(
    question: Question, ledger: Ledger, findings: PilotFindings | None, deadline: Deadline
) -> bool:
    """Whether there could be another block, however precise those are that there are.

    Args:
        findings: None before the pilot has ended.
    """
    is_allowed = not deadline.is_past and _may_add(question, ledger)
    return is_allowed and _is_time(question, ledger, findings)


def _may_add(question: Question, ledger: Ledger) -> bool:
    return ledger.blocks_done < question.measure.max_blocks


def _is_time(question: Question, ledger: Ledger, findings: PilotFindings | None) -> bool:
    """Whether the next block fits into the time allowed; the first one is tried in any case."""
    if not ledger.block and not ledger.attempt:
        return True
    next_block_s = findings.block_s if findings and ledger.block else 0.0
    return ledger.elapsed_s + next_block_s <= question.measure.max_time_s


def _compared(
    question: Question, ledger: Ledger
) -> tuple[dict[str, dict[int, ProcessSummary]], Pairs]:
    """The arms that still take part, and what is compared with what."""
    arms = {arm.name: ledger.arms.get(arm.name, {}) for arm in ledger.taking_part(question.arms)}
    pairs = {one: base for one, base in question.pairs.items() if one in arms and base in arms}
    if not pairs:
        # Nothing to compare: the controls alone tell how precise the experiment is.
        arms[DELAYED] = ledger.arms.get(DELAYED, {})
        pairs = {DELAYED: question.baseline}
    return arms, pairs


def expected_total_s(question: Question, ledger: Ledger, precision: Precision) -> float:
    """Seconds that the whole experiment will likely take, from the spread seen so far."""
    plan = question.measure
    if ledger.blocks_done < 3:
        return plan.max_time_s
    needed = max(plan.min_blocks, precision.needed_blocks())
    further_s = max(0, needed - ledger.blocks_done) * ledger.block_s
    return max(1.0, min(plan.max_time_s, ledger.elapsed_s + further_s))
