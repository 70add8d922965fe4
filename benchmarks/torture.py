"""Whether anything is lost or done twice: benches that are killed, interrupted, or out of room.

`python -m benchmarks.torture` prints a table and ends with exit code 1 if anything that must hold
does not. Everything is written to a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import Desk
from tests.crashes.inspection import Witness, disturbed_blocks, lapses_of_finished
from tests.crashes.tiny import ANSWERED, SETTINGS
from tests.crashes.trees import Forest, Tree
from tests.file_systems import mounted
from tests.native_models import negation

# Of one bench, which has two models or three.
_SIZES = (16, 256, 4096)
_SPECS = 2
# How long a command is left alone before it is struck; Python itself takes a while to begin.
_SHORTEST_S, _LONGEST_S = 0.2, 5.0
_TIMEOUT_S = 300.0
_FILE_SYSTEM_MIB = 64
# What is left free of it: enough for a bench to begin, and later less than it needs.
_ROOM_AT_START_KIB, _MOST_ROOM_KIB = 4096, 100
# What a command says that finds it full, at work or before it begins.
_SAYS_FULL = ("no space left", "not enough room")
_INTERRUPTED, _FULL, _KILLED = 130, 4, -signal.SIGKILL


@dataclass
class Tally:
    """What one torture came to.

    Attributes:
        strikes: how often something was done to a command that was at work.
        finished: batches that ended with their result.
        lapses: whatever did not hold, as sentences.
        disturbed: blocks that were done again since the machine was disturbed.
    """

    title: str
    strikes: int = 0
    starts: int = 0
    finished: int = 0
    disturbed: int = 0
    lapses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Batch:
    """Specs on a desk of their own, which share models.

    Attributes:
        commands: what answers them, each to be repeated until it ends well.
    """

    desk: Desk
    commands: Sequence[Sequence[str]]


Strike = Callable[[Tree], list[str]]
"""Does something to a command that is at work, and waits for its end; what was wrong with it."""


def main() -> int:
    """Prints the table; 1 if anything did not hold, 130 if interrupted."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 120)
    generator = random.Random(options.seed)  # noqa: S311 - instants, no secrets
    tallies: list[Tally] = []
    try:
        for title, wanted, strike in (
            ("killed (SIGKILL, the whole tree)", options.kills, _kill),
            ("interrupted (SIGINT, once)", options.interruptions, _interrupt),
        ):
            tallies.append(Tally(title))
            while tallies[-1].strikes < wanted and not tallies[-1].lapses:
                with tempfile.TemporaryDirectory(prefix="retime-torture-") as folder:
                    _one_batch(Path(folder), options.command, strike, tallies[-1], generator)
        tallies.append(Tally(f"out of room ({_FILE_SYSTEM_MIB} MiB)"))
        while tallies[-1].strikes < options.full_disks and not tallies[-1].lapses:
            with _small_file_system() as small:
                if small is None:
                    console.print("No right to mount a file system: none was filled up.")
                    break
                _one_full_batch(small, options.command, tallies[-1], generator)
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        _print(console, tallies, options.seed)
    return int(any(tally.lapses for tally in tallies))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--interruptions", type=int, default=50)
    parser.add_argument("--full-disks", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the instants")
    parser.add_argument(
        "--command",
        choices=("bench", "batch"),
        default="bench",
        help="one spec after the other, or all in one command",
    )
    return parser.parse_args()


def _one_batch(
    folder: Path, command: str, strike: Strike, tally: Tally, generator: random.Random
) -> None:
    """Strikes until all is done."""
    batch, witness = _make_batch(folder, command, generator), Witness()
    for one in batch.commands:
        code = None
        while code not in ANSWERED and not tally.lapses:
            tree = _start(one, tally)
            time.sleep(generator.uniform(_SHORTEST_S, _LONGEST_S))
            tally.lapses += strike(tree)
            code = tree.root.returncode
            tally.strikes += code not in ANSWERED
            tally.lapses += [f"a process outlived its bench: {p}" for p in tree.orphans()]
            tally.lapses += witness.look(batch.desk)
    _conclude(batch, tally)


def _kill(tree: Tree) -> list[str]:
    tree.kill()
    is_right = tree.root.returncode in (*ANSWERED, _KILLED)
    return [] if is_right else [f"a killed bench ended with {tree.root.returncode}"]


def _interrupt(tree: Tree) -> list[str]:
    tree.signal(signal.SIGINT)
    said = tree.wait(_TIMEOUT_S)
    is_right = tree.root.returncode in (*ANSWERED, _INTERRUPTED) and "Traceback" not in said
    return [] if is_right else [f"an interrupted bench ended with {tree.root.returncode}: {said}"]


def _one_full_batch(folder: Path, command: str, tally: Tally, generator: random.Random) -> None:
    """Fills the file system but for a little in the middle, frees it at the end, and so on."""
    batch, witness = _make_batch(folder, command, generator), Witness()
    ballast = folder / "ballast"
    for one in batch.commands:
        code = None
        while code not in ANSWERED and not tally.lapses:
            _fill(ballast, _ROOM_AT_START_KIB << 10)
            tree = _start(one, tally)
            time.sleep(generator.uniform(_SHORTEST_S, _LONGEST_S))
            _fill(ballast, generator.randrange(0, _MOST_ROOM_KIB) << 10)
            said = " ".join(tree.wait(_TIMEOUT_S).split())
            code = tree.root.returncode
            ballast.unlink()
            if code not in ANSWERED:
                tally.strikes += 1
                is_said = any(words in said for words in _SAYS_FULL)
                if code != _FULL or not is_said or "Traceback" in said:
                    tally.lapses.append(f"a full disk ended with {code}: {said}")
            tally.lapses += [f"a process outlived its bench: {p}" for p in tree.orphans()]
            tally.lapses += witness.look(batch.desk)
    _conclude(batch, tally)


def _start(command: Sequence[str], tally: Tally) -> Tree:
    tally.starts += 1
    return Forest().start(command)


def _conclude(batch: Batch, tally: Tally) -> None:
    tally.finished += not tally.lapses
    tally.lapses += lapses_of_finished(batch.desk)
    tally.disturbed += disturbed_blocks(batch.desk)


def _make_batch(folder: Path, command: str, generator: random.Random) -> Batch:
    desk = Desk(folder / "runs", folder / "cache")
    models = []
    for size in _SIZES:
        models.append(folder / f"negate{size}.tflite")
        models[-1].write_bytes(negation(size))
    specs = []
    for number in range(_SPECS):
        specs.append(folder / f"spec{number}.yaml")
        chosen = generator.sample(models, generator.choice((2, 3)))
        alternatives = ", ".join(f"{one.stem}: {one}" for one in chosen)
        specs[-1].write_text(
            f"spec: 1\nname: {specs[-1].stem}\nmodel: {{}}\n"
            f"matrix: {{model.file: {{{alternatives}}}}}\n"
            f"baseline: {{model.file: {chosen[0].stem}}}\n"
        )
    settings = [part for one in SETTINGS for part in ("--set", one)]
    together = [desk.command("batch", *specs, *settings)]
    each = [desk.command("bench", spec, *settings) for spec in specs]
    return Batch(desk, together if command == "batch" else each)


@contextlib.contextmanager
def _small_file_system() -> Iterator[Path | None]:
    """A file system of its own; None where it can't be had."""
    with tempfile.TemporaryDirectory(prefix="retime-torture-") as folder:
        mount = Path(folder)
        with mounted(mount, f"size={_FILE_SYSTEM_MIB}m") as is_there:
            yield mount if is_there else None


def _fill(ballast: Path, room_bytes: int) -> None:
    """Leaves so much room."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    size = ballast.stat().st_size
    with ballast.open("r+b") as file:
        file.truncate(max(0, size - room_bytes))


def _print(console: Console, tallies: Sequence[Tally], seed: int) -> None:
    table = Table(title=f"Torture, seed {seed}")
    titles = ("benches", "strikes", "starts", "batches done", "blocks redone", "violations")
    for title in titles:
        table.add_column(title, justify="left" if title == "benches" else "right")
    for tally in tallies:
        figures = (tally.strikes, tally.starts, tally.finished, tally.disturbed, len(tally.lapses))
        table.add_row(tally.title, *map(str, figures))
    console.print(table)
    for tally in tallies:
        for lapse in tally.lapses:
            console.print(f"! {lapse}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
