"""The benchmark tool that comes with ai-edge-litert, with a known delay in its timed region.

`python -m benchmarks.today MODEL DELAY_NS LATENCY_NS DEADLINE` prints the mean latency in
nanoseconds. The tool's own loop runs and times; it rounds to a hundredth of a millisecond, too
coarse for small models, so that its mean is taken before it is rounded.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from typing import Any
from unittest import mock

from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.tools import benchmark_litert_model as tool

_LEAST_RUNS = 50
_LOADING_S = 0.1


def main(model: str, delay_ns: int, latency_ns: int, deadline_s: float) -> float:
    """The mean of as many runs as fit in before the deadline.

    Args:
        latency_ns: what a run takes, roughly.
        deadline_s: on the monotonic clock.
    """
    run, means = CompiledModel.run_by_name, []

    def delayed(*arguments: Any) -> None:
        run(*arguments)
        ends = time.perf_counter_ns() + delay_ns
        while time.perf_counter_ns() < ends:
            pass

    def mean(values: list[float]) -> float:
        means.append(statistics.mean(values))
        return means[-1]

    left_s = deadline_s - time.monotonic() - _LOADING_S
    runs = max(_LEAST_RUNS, int(left_s * 1e9 / (latency_ns + delay_ns)))
    replaced = mock.Mock(wraps=statistics)
    replaced.mean = mean
    arguments = ["tool", "--model", model, "--num_runs", str(runs), "--warmup_runs", "50"]
    with (
        mock.patch.object(sys, "argv", arguments),
        mock.patch.object(tool, "statistics", replaced),
        mock.patch.object(CompiledModel, "run_by_name", delayed if delay_ns else run),
        contextlib.redirect_stdout(sys.stderr),
    ):
        tool.run_benchmark(tool.parse_args())
    # The first mean is that of the runs; the warm-up's comes second.
    return means[0] * 1e6


if __name__ == "__main__":
    path, delay, latency, deadline = sys.argv[1:]
    print(main(path, int(delay), int(latency), float(deadline)))  # noqa: T201 - its only answer
