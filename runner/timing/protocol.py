"""The experiment's plan: arms, blocks, and the schedule that a seed decides. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

IDENTICAL = "control:identical"
DELAYED = "control:delayed"

_CACHE_LINE = 64
_PAGE = 4096
_MOST_PADDING = 4095


@dataclass(frozen=True)
class Arm:
    """What takes part in every block.

    Attributes:
        name: the variant's name, or one of the controls'.
        library: path of the inference library.
        model: path of the .tflite file. The identical control has a copy of its own.
        input: path of the bytes that are fed to the model.
        label: the name in short, for people.
        delay_ns: busy wait in the timed region; 0 but for the delayed control.
        kind: of the library, `tflite` or `litert`.
        options: further fields of its jobs, as pairs of `Job`'s names and values.
    """

    name: str
    library: str
    model: str
    input: str
    delegate: str
    threads: int
    label: str = ""
    delay_ns: int = 0
    kind: str = "tflite"
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Slot:
    """One process of one block: which arm, and the layout that is dealt to it.

    Attributes:
        environment_padding: bytes added to the environment, which moves the stack.
        buffer_offset: bytes that the model's buffer is moved by.
    """

    block: int
    arm: Arm
    environment_padding: int
    buffer_offset: int


def schedule_block(arms: Sequence[Arm], block: int, attempt: int, seed: int) -> Iterator[Slot]:
    """Every arm once, in an order and with layouts that depend on the arguments alone.

    A block that is redone is dealt anew, since its first order may be what spoilt it.

    Source: randomised complete blocks, Fisher (1935); random environment size, Mytkowicz et al.
    (2009), Producing wrong data without doing anything obviously wrong, ASPLOS.
    """
    digest = hashlib.sha256(f"{seed}/{block}/{attempt}".encode()).digest()
    generator = random.Random(digest)  # noqa: S311 - a schedule, not a secret
    order = list(arms)
    generator.shuffle(order)
    for arm in order:
        yield Slot(
            block=block,
            arm=arm,
            environment_padding=generator.randint(0, _MOST_PADDING),
            buffer_offset=generator.randrange(0, _PAGE, _CACHE_LINE),
        )
