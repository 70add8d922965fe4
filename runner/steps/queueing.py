"""In which order a batch answers its specs, and how long each will likely take. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from runner.errors import RetimeError
from runner.report.plan import Outlook
from runner.report.queue import Turn
from runner.spec.model import Spec
from runner.unforeseen import explain


def make_queue(specs: Iterable[Spec], foresee: Callable[[Spec], Outlook], log: Path) -> list[Turn]:
    """Higher priorities first; among equals what takes less time, so that most get an answer.

    Args:
        foresee: what it raises is kept in that spec's turn.
        log: a file for the traceback of what nobody foresaw.
    """
    turns = [_turn(spec, foresee, log) for spec in specs]
    turns.sort(key=lambda turn: (-turn.spec.priority, turn.seconds))
    return _shared_once(turns)


def _turn(spec: Spec, foresee: Callable[[Spec], Outlook], log: Path) -> Turn:
    try:
        outlook = foresee(spec)
    except Exception as error:
        # Its turn comes nevertheless; the others are not taken along.
        known = error if isinstance(error, RetimeError) else explain(error, log)
        return Turn(spec, None, error=known)
    return _counted(Turn(spec, outlook), set())


def _shared_once(turns: Sequence[Turn]) -> list[Turn]:
    """The same turns, with a stage that several need counted in the first of them."""
    made: set[str] = set()
    queue = []
    for turn in turns:
        queue.append(_counted(turn, made))
        made |= {stage.key for stage in turn.outlook.to_run} if turn.outlook else set()
    return queue


def _counted(turn: Turn, made: set[str]) -> Turn:
    outlook = turn.outlook
    if outlook is None:
        return turn
    own = [stage for stage in outlook.to_run if stage.key not in made]
    timing = outlook.timing
    return Turn(
        spec=turn.spec,
        outlook=outlook,
        stages=len(own),
        shared=len(outlook.to_run) - len(own),
        unknown=sum(stage.seconds is None for stage in own),
        build_s=sum(stage.seconds or 0.0 for stage in own),
        timing_s=0.0 if timing.is_finished else timing.forecast.seconds,
    )
