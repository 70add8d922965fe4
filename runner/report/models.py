"""How large the models are: parameters, what of them was trained, and multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass

from runner.report.result import Result
from runner.report.wording import short_names

TITLES = ("model", "parameters", "trained", "frozen", "multiply-adds")


@dataclass(frozen=True)
class ModelRow:
    """Variants whose models are alike in size, and their figures as texts; empty if unknown."""

    names: str
    figures: tuple[str, str, str, str]


def model_rows(result: Result) -> list[ModelRow]:
    """One for each size of model, in the order of the variants; none where nothing is known."""
    names = short_names(result)
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for variant in result["variants"]:
        if (model := variant["model"]) is not None:
            parameters, trained = model["parameters"], model["trainable_parameters"]
            is_known = parameters is not None and trained is not None
            figures = (
                _text(parameters),
                _text(trained),
                _text(parameters - trained if is_known else None),
                # Results of before it was counted have none.
                _text(model.get("multiply_adds")),
            )
            alike.setdefault(figures, []).append(names[variant["name"]])
    return [ModelRow(", ".join(some), figures) for figures, some in alike.items() if any(figures)]


def _text(count: int | None) -> str:
    return "" if count is None else f"{count:,}"
