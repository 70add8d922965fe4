"""When an experiment ends, and when it likely will: by precision and budget alone."""

from __future__ import annotations

from runner.analysis.pilot import PilotFindings
from runner.analysis.statistics import blocks_for_half_width, t_interval
from runner.analysis.summaries import ProcessSummary
from runner.analysis.verdicts import Pairs, differences, is_precise
from runner.steps.ledger import Ledger
from runner.steps.question import Question
from runner.timing.protocol import DELAYED


def reason_to_stop(
    question: Question, ledger: Ledger, findings: PilotFindings, in_vain: int
) -> str:
    """Why no further block is to run; empty to go on. Never depends on where an interval lies."""
    plan = question.measure
    if question.baseline in ledger.dropped:
        return "failed"
    if ledger.blocks_done >= plan.max_blocks:
        return "blocks"
    arms, pairs = _compared(question, ledger)
    if is_precise(arms, pairs, question.design, plan.min_blocks):
        return "precise"
    next_block_s = findings.block_s if ledger.block else 0.0
    if ledger.elapsed_s + next_block_s > plan.max_time_s and (ledger.block or in_vain):
        return "disturbed" if in_vain else "time"
    return ""


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


def expected_total_s(question: Question, ledger: Ledger) -> float:
    """Seconds that the whole experiment will likely take, from the spread seen so far."""
    plan = question.measure
    if ledger.blocks_done < 3:
        return plan.max_time_s
    arms, pairs = _compared(question, ledger)
    needed, half_width = plan.min_blocks, question.design.margin / 2
    for one, base in pairs.items():
        spread = t_interval(differences(arms[one], arms[base]), plan.confidence).deviation
        needed = max(needed, blocks_for_half_width(spread, half_width, plan.confidence))
    per_block = ledger.elapsed_s / max(1, ledger.block)
    return max(1.0, min(plan.max_time_s, needed * per_block))
