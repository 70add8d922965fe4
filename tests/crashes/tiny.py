"""The smallest bench there is: two models of one operator, as few and as short processes as can be.

It ends within seconds, whatever verdict it comes to, and goes through everything but training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.bench import Desk
from tests.native_models import negation

# Tests share their machine: no block counts as disturbed.
SETTINGS = (
    *("measure.effect=90%", "measure.min_blocks=10", "measure.max_blocks=10"),
    *("measure.warmup_time=1ms", "measure.warmup_runs=1"),
    "measure.limits={steal: 100%, load: 1000, temperature: 100}",
)
# Whatever the verdict is, an answer was given.
ANSWERED = (0, 1)


@dataclass(frozen=True)
class Tiny:
    """A bench to be run on a desk.

    Attributes:
        models: its .tflite files, the baseline first.
    """

    desk: Desk
    models: tuple[Path, ...]
    settings: tuple[str, ...] = SETTINGS

    @property
    def name(self) -> str:
        """The spec's."""
        return "-vs-".join(model.stem for model in self.models)

    @property
    def command(self) -> list[str]:
        """What runs it, or goes on with it."""
        settings = [part for one in self.settings for part in ("--set", one)]
        return self.desk.command("compare-models", *self.models, *settings)


def make_tiny(folder: Path, desk: Desk, sizes: tuple[int, ...] = (64, 512)) -> Tiny:
    """Writes the models.

    Args:
        sizes: values that each model negates.
    """
    models = []
    for size in sizes:
        model = folder / f"model{size}.tflite"
        model.write_bytes(negation(size))
        models.append(model)
    return Tiny(desk, tuple(models))
