"""TensorFlow, started once in a worker, with the settings that every stage relies on."""

from __future__ import annotations

import traceback

from runner.build.failures import StageFailure, excerpt


def start_tensorflow(threads: int) -> None:
    """Imports TensorFlow and Keras and configures them; the first call takes seconds.

    - Operations are deterministic: the same seed gives the same weights. On a CPU this costs
      nothing that could be measured.
    - Grappler leaves graphs as they are. Optimizing the training step of a MobileNet takes it 2 s
      and makes no step faster on a CPU.

    Args:
        threads: cores to use.

    Raises:
        StageFailure: they are missing or broken.
    """
    try:
        import keras
        import tensorflow as tf
    except Exception as error:
        traceback.print_exc()
        raise StageFailure(
            "missing_package",
            "TensorFlow can't be imported",
            why=f"{type(error).__name__}: {excerpt(error)}",
            remedy="pip install 'retime[train]'",
        ) from None
    if keras.config.backend() != "tensorflow":
        raise StageFailure(
            "bad_input",
            f"Keras runs on {keras.config.backend()}, not on TensorFlow",
            remedy="unset KERAS_BACKEND",
        )
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
