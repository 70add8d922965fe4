"""A worker process: reads stage requests on standard input, runs them, says what came of them.

Events go to the original standard output, one JSON object a line; everything that TensorFlow prints
goes to the log that the request names. TensorFlow is imported once, when the first stage needs it.
Ctrl-C and SIGTERM are left to the parent; the worker ends as soon as its standard input or its
parent does.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TextIO

from runner.build.checkpoints import held
from runner.build.failures import StageFailure, explain
from runner.build.protocol import Progress, Report
from runner.offspring import attach

_PROGRESS_INTERVAL_S = 0.1


def main() -> NoReturn:
    """Serves requests until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    threads = parser.parse_args().threads
    attach()
    # TensorFlow prints to standard output, which is the parent's line here.
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    worker = _Worker(threads, events)
    while True:
        worker.serve(json.loads(requests.get()))


def _listen(lines: TextIO, requests: queue.SimpleQueue[str]) -> None:
    for line in lines:
        requests.put(line)
    # The parent is gone or wants no more, whatever is under way.
    os._exit(0)


@dataclass
class _Worker:
    threads: int
    events: TextIO
    _is_started: bool = field(default=False, init=False)

    def serve(self, request: Mapping[str, Any]) -> None:
        """Runs one stage and says how it ended."""
        try:
            _redirect_output(Path(request["log"]))
            if not self._is_started:
                from runner.build.frameworks import start_tensorflow

                start_tensorflow(self.threads)
                self._is_started = True
            with held(Path(request["scratch"]) if request["scratch"] else None) as scratch:
                summary = _run(request, scratch, _Reporter(self, request["id"]))
            self.say(request["id"], "finished", summary=summary)
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:
            failure = explain(error)
            if not isinstance(error, StageFailure):
                traceback.print_exc()
            self.say(request["id"], "failed", **failure.as_record())

    def say(self, number: int, event: str, **fields: Any) -> None:
        """Writes one event."""
        self.events.write(json.dumps({"id": number, "event": event, **fields}) + "\n")


class _Reporter:
    """Passes progress on, not more often than a person can read."""

    def __init__(self, worker: _Worker, number: int) -> None:
        self._worker = worker
        self._number = number
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._next and progress.done < progress.total:
            return
        self._next = now + _PROGRESS_INTERVAL_S
        self._worker.say(
            self._number,
            "progress",
            done=progress.done,
            total=progress.total,
            unit=progress.unit,
            note=progress.note,
        )


def _run(  # noqa: PLR0911 - one for each stage
    request: Mapping[str, Any], scratch: Path | None, report: Report
) -> dict[str, Any]:
    params, output = request["params"], Path(request["output"])
    inputs = {role: Path(folder) for role, folder in request["inputs"].items()}
    match request["stage"]:
        case "data":
            from runner.build.data import make_data

            return make_data(params, output, report)
        case "features":
            from runner.build.features import compute_features

            return compute_features(params, inputs["data"], output, report)
        case "train":
            from runner.build.train import train_model

            return train_model(
                params, inputs["data"], output, report, scratch, inputs.get("features")
            )
        case "snapshot":
            from runner.build.snapshots import make_snapshot

            return make_snapshot(params, inputs, output, report)
        case "load":
            from runner.build.load import load_model

            return load_model(params, inputs.get("data"), output, report)
        case "compress":
            from runner.build.compress import compress_model

            return compress_model(params, inputs, output, report, scratch)
        case "convert":
            from runner.build.convert import convert_model

            return convert_model(params, inputs["source"], inputs.get("data"), output, report)
        case other:
            raise StageFailure(
                "bad_input",
                f"there is no stage {other!r}",
                why="the worker is of another version than what started it",
                remedy="end all that runs of Retime, and run the same command again",
            )


def _redirect_output(log: Path) -> None:
    """Points this process's output, and so TensorFlow's, at a stage's log."""
    sys.stdout.flush()
    sys.stderr.flush()
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, 2)
    os.dup2(target, 1)
    os.close(target)


if __name__ == "__main__":
    main()
