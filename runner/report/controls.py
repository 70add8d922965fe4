"""What the two controls showed, and why nothing is proven where one of them failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.report.result import Result
from runner.units import format_interval, format_ratio, format_share


def control_sentences(result: Result) -> list[tuple[bool, str]]:
    """Whether each control passed, and what it showed; nothing if they were not measured."""
    identical, delayed = result["controls"]["identical"], result["controls"]["delayed"]
    known = [one for one in (identical, delayed) if one["ratio"] is not None or one.get("error")]
    if not known:
        return []
    delay = format_share(delayed["expected"] - 1)
    return [
        (
            identical["passed"],
            f"identical copy of the baseline: {_control_figures(identical)}, "
            + _outcome(identical, "no difference found", "but it must not differ"),
        ),
        (
            delayed["passed"],
            f"baseline delayed by {delay}: {_control_figures(delayed)}, "
            + _outcome(
                delayed, "found", f"missed; it should be {format_ratio(delayed['expected'])}"
            )
            + _out_of_step(result),
        ),
    ]


def why_unproven(result: Result) -> str:
    """Which control says that this experiment could not tell, as a sentence after a colon."""
    controls, effect = result["controls"], format_share(result["design"]["effect"])
    gone = [
        f"the {name} control failed ({error['message']})"
        for name, control in controls.items()
        if (error := control.get("error"))
    ]
    if gone:
        return f"{' and '.join(gone)}, so nothing shows that this experiment could have told."
    if controls["identical"]["interval"] is None:
        return "there are too few blocks for the controls to tell."
    reasons = []
    if not controls["identical"]["passed"]:
        reasons.append("the identical control differed")
    delayed = controls["delayed"]
    if not delayed["passed"] and not delayed.get("out_of_step"):
        reasons.append(f"the control that was delayed by {effect} was missed")
    sentence = ", so differences of this size can't be told from noise here."
    told = f"{' and '.join(reasons)}{sentence}" if reasons else ""
    if not delayed.get("out_of_step"):
        return told
    share = format_share(delayed["expected"] - 1)
    pilot = (
        f"the pilot was out of step: the delay that it chose to be {effect} of the baseline's"
        f" latency is {share} in the blocks; --fresh takes a new pilot."
    )
    return f"{told} {pilot.capitalize()}" if told else pilot


def _outcome(control: Mapping[str, Any], passed: str, missed: str) -> str:
    if error := control.get("error"):
        return f"and then it failed: {error['message']}"
    # Results of before the pilot was told apart have the one word for both.
    if control["passed"] or control.get("out_of_step"):
        return passed if control["passed"] else "but that is not what it is to show"
    return missed


def _out_of_step(result: Result) -> str:
    """Where the pilot's delay does not fit the blocks: what to do about it."""
    if not result["controls"]["delayed"].get("out_of_step"):
        return ""
    effect = format_share(result["design"]["effect"])
    return f"; the pilot meant it to be {effect}: --fresh takes a new pilot"


def _control_figures(control: Mapping[str, Any]) -> str:
    if control["ratio"] is None:
        return "not measured"
    interval = format_interval(control["interval"])
    confidence = format_share(control["confidence"])
    figures = format_ratio(control["ratio"])
    return f"{figures} ({interval} at {confidence})" if interval else figures
