"""A worker process: reads stage requests on standard input, runs them, says what came of them.

Events go to the original standard output, one JSON object a line; everything that TensorFlow prints
goes to the log that the request names. TensorFlow is imported once, when the first stage needs it.
Ctrl-C is left to the parent; the worker ends when its standard input does.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from runner.build.protocol import Progress, StageFailure


def main() -> int:
    """Serves requests until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    threads = parser.parse_args().threads
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # TensorFlow prints to standard output, which is the parent's line here.
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    configured = False
    for line in sys.stdin:
        request = json.loads(line)
        _redirect(Path(request["log"]))
        if not configured:
            configured = _configure(threads)
        _serve(request, events)
    return 0


def _serve(request: Mapping[str, Any], events: TextIO) -> None:
    def say(event: str, **fields: Any) -> None:
        events.write(json.dumps({"event": event, **fields}) + "\n")

    def report(progress: Progress) -> None:
        say("progress", done=progress.done, total=progress.total, note=progress.note)

    try:
        say("finished", summary=_run(request, report))
    except StageFailure as failure:
        traceback.print_exc()
        say("failed", **failure.as_record())
    except Exception as error:
        traceback.print_exc()
        say("failed", **_explain(error).as_record())
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _run(request: Mapping[str, Any], report: Callable[[Progress], None]) -> dict[str, Any]:
    params, output = request["params"], Path(request["output"])
    inputs = {role: Path(folder) for role, folder in request["inputs"].items()}
    try:
        match request["stage"]:
            case "data":
                from runner.build.data import make_data

                return make_data(params, output)
            case "train":
                from runner.build.train import train_model

                return train_model(params, inputs["data"], output, report)
            case "convert":
                from runner.build.convert import convert_model

                return convert_model(params, inputs["train"], inputs["data"], output, report)
            case other:
                raise StageFailure("bad_input", f"there is no stage {other!r}")
    except ImportError as error:
        raise StageFailure(
            "missing_package",
            "TensorFlow can't be imported",
            why=str(error),
            remedy="pip install 'retime[train]'",
        ) from error


def _explain(error: Exception) -> StageFailure:
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StageFailure(
            "no_space",
            "no space left on the device",
            why=str(error.filename or error),
            remedy="free some room and run the same command again; it goes on where it stopped",
        )
    if isinstance(error, MemoryError) or name == "ResourceExhaustedError":
        return StageFailure(
            "out_of_memory",
            "not enough memory",
            why=str(error).partition("\n")[0],
            remedy="a smaller batch size or image size needs less",
        )
    return StageFailure(
        "exception",
        f"{name}: {str(error).strip().partition(chr(10))[0]}",
        remedy="the log holds the whole story",
    )


def _redirect(log: Path) -> None:
    """Points this process's error output, and so TensorFlow's, at a stage's log."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, 2)
    os.dup2(target, 1)
    os.close(target)


def _configure(threads: int) -> bool:
    with contextlib.suppress(ImportError):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(max(1, threads))
    return True


if __name__ == "__main__":
    sys.exit(main())
