"""Asks the installed Keras in a process of its own, so that no test imports it by accident."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# A pixel whose channels can be told apart.
PIXEL = (10.0, 100.0, 255.0)
PROBE = Path(__file__).with_name("keras_probe.py")
NOTHING: dict[str, Any] = {
    "pixel": PIXEL,
    "architectures": {},
    "build": [],
    "activations": [],
    "optimizers": [],
}


def ask_keras(**question: Any) -> dict[str, Any]:
    """What `keras_probe` answers; parts of the question that are left out are empty."""
    finished = subprocess.run(
        [sys.executable, str(PROBE)],
        input=json.dumps(NOTHING | question),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    answer: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return answer
