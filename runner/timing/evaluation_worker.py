"""The process that evaluates a model: reads a JSON request, writes the folder that it names.

Unlike timing workers it imports numpy, since nothing here is timed.
"""

from __future__ import annotations

import errno
import json
import sys
import traceback
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.offspring import attach
from runner.scaling import scale
from runner.spec.architectures import Scaling
from runner.timing import native
from runner.timing.evaluation import KEPT_INPUTS, Evaluation
from runner.timing.records import RuntimeOptions, Tensor
from runner.timing.session import Session

# Images a call: bounds memory to a few tens of MB.
_BATCH = 64
_MOST_CHARACTERS = 1500


def main() -> int:
    """Evaluates what standard input asks for; the argument is the parent's process number."""
    attach(int(sys.argv[1]))
    evaluation = Evaluation(**json.load(sys.stdin))
    try:
        _evaluate(evaluation)
    except native.HarnessError as error:
        sys.stdout.write(json.dumps({"step": error.step, "why": error.why}))
        return 3
    except Exception as error:
        traceback.print_exc()
        sys.stdout.write(json.dumps(_in_words(error)))
        return 3
    return 0


def _in_words(error: Exception) -> dict[str, str]:
    """What the parent makes an error of; the whole story is in the log."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return {
            "kind": "no_space",
            "what": "no space left on the device",
            "why": str(error),
            "remedy": "free some room and run the same command again; it goes on where it stopped",
        }
    if isinstance(error, MemoryError):
        return {
            "kind": "out_of_memory",
            "what": "not enough memory",
            "why": str(error),
            "remedy": "end other work that takes memory and run the same command again",
        }
    first, _, rest = str(error).partition("\n")
    return {
        "kind": "exception",
        "what": f"the evaluation failed: {type(error).__name__}: {first}",
        "why": rest[:_MOST_CHARACTERS],
        "remedy": "the log holds the whole story",
    }


def _evaluate(evaluation: Evaluation) -> None:
    output = Path(evaluation.output)
    model = native.place(Path(evaluation.model).read_bytes(), 0)
    with (
        native.Library.open(evaluation.library) as library,
        library.session(
            model,
            delegate=evaluation.delegate,
            threads=evaluation.threads,
            count_nodes=True,
            options=RuntimeOptions(**evaluation.options),
        ) as session,
    ):
        is_scored = evaluation.images and len(session.inputs) == len(session.outputs) == 1
        samples = _score(evaluation, session) if is_scored else 0
        facts = {
            "version": library.version,
            "nodes": session.nodes.nodes,
            "delegated_nodes": session.nodes.delegated,
            "partitions": session.nodes.partitions,
            "inputs": [[*one.shape, one.type_name] for one in session.inputs],
            "outputs": [[*one.shape, one.type_name] for one in session.outputs],
            "samples": samples,
        }
    (output / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def _score(evaluation: Evaluation, session: Session) -> int:
    """Runs a model of one input and one output over all images; returns how many there were."""
    images, output = np.load(evaluation.images, mmap_mode="r"), Path(evaluation.output)
    (taken,), (given,) = session.inputs, session.outputs
    rows = []
    for start in range(0, len(images), _BATCH):
        batch = _prepare(images[start : start + _BATCH], evaluation.scaling, taken)
        if start == 0:
            (output / "input.bin").write_bytes(batch[:KEPT_INPUTS].tobytes())
        raw = np.frombuffer(session.map(batch.tobytes(), len(batch)), dtype=given.type_name)
        rows.append(_dequantize(raw.reshape(len(batch), -1), given))
    np.save(output / "scores.npy", np.concatenate(rows))
    return len(images)


def _prepare(images: NDArray[np.uint8], scaling: Scaling, tensor: Tensor) -> NDArray[np.generic]:
    """Images (n, h, w, 3) uint8 -> the model's own input type, quantized where it is."""
    real: NDArray[np.float32] = scale(images.astype(np.float32), scaling)
    if tensor.type_name == "float32":
        return real
    limits = np.iinfo(tensor.type_name)
    stored = np.round(real / tensor.scale) + tensor.zero_point
    return np.asarray(np.clip(stored, limits.min, limits.max), dtype=tensor.type_name)


def _dequantize(raw: NDArray[np.generic], tensor: Tensor) -> NDArray[np.float32]:
    stored = np.asarray(raw, dtype=np.float32)
    if tensor.type_name == "float32" or not tensor.scale:
        return stored
    return np.asarray((stored - tensor.zero_point) * tensor.scale, dtype=np.float32)


if __name__ == "__main__":
    sys.exit(main())
