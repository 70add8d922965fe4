"""All processes of a command, also those in sessions of their own: by a mark that they inherit."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, Signals

_VARIABLE = "RETIME_TREE"
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Tree:
    """A command and whatever it starts.

    Attributes:
        mark: what tells its processes from all others.
    """

    root: subprocess.Popen[str]
    mark: str

    def signal(self, number: Signals) -> None:
        """Sends the command a signal, as `kill` does, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.root.pid, number)

    def signal_all(self, number: Signals) -> None:
        """Sends it to all of its processes, as the manager of a service does that is stopped."""
        for process in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """Kills all of its processes at once, and waits until they are gone."""
        ends = time.monotonic() + _PATIENCE_S
        while (alive := self.alive()) and time.monotonic() < ends:
            for process in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, SIGKILL)
            self.root.poll()
            time.sleep(0.005)
        self.wait()

    def wait(self, timeout_s: float | None = None) -> str:
        """Waits for the command's end; what it said."""
        output, _ = self.root.communicate(timeout=timeout_s)
        return output

    def ended(self, timeout_s: float | None = None) -> int:
        """Waits for the command's end; its exit code."""
        self.wait(timeout_s)
        return self.root.returncode

    def alive(self) -> list[int]:
        """The numbers of its processes that live."""
        return [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if _has_mark(folder, self.mark)
        ]

    def waited_for(self, word: str, mapped: str = "") -> int:
        """Waits for one of its processes whose command holds a word; its number.

        Args:
            mapped: a file that it must have mapped as well, such as a library that it opened.
        """
        ends = time.monotonic() + _PATIENCE_S
        while self.root.poll() is None and time.monotonic() < ends:
            for process in self.alive():
                with contextlib.suppress(OSError):
                    folder = Path("/proc", str(process))
                    is_it = word.encode() in (folder / "cmdline").read_bytes()
                    if is_it and mapped in (folder / "maps").read_text():
                        return process
            time.sleep(0.02)
        raise AssertionError(f"no process of {word}")

    def orphans(self) -> list[int]:
        """Processes that outlive the command; the kernel has a moment to end them."""
        ends = time.monotonic() + _PATIENCE_S
        while (alive := self.alive()) and time.monotonic() < ends:
            time.sleep(0.02)
        return alive


@dataclass
class Forest:
    """Starts commands, each as a tree in a session of its own.

    Attributes:
        environment: of the commands.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    prefix: Sequence[str] = ()

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Tree:
        """Starts one; what it says on both outputs goes into one text."""
        mark = secrets.token_hex(8)
        root = subprocess.Popen(
            [*self.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**(environment or self.environment), _VARIABLE: mark},
            start_new_session=True,
        )
        return Tree(root, mark)


def _has_mark(folder: Path, mark: str) -> bool:
    try:
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        environment = (folder / "environ").read_bytes()
    except OSError:
        return False
    return state != "Z" and f"{_VARIABLE}={mark}".encode() in environment.split(b"\0")
