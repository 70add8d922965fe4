"""Compression: a trained model in, a smaller one out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.build.arrays import open_array, save_array
from runner.build.batches import TrainingBatches
from runner.build.checkpoints import CheckpointFolder
from runner.build.class_weights import weigh_classes
from runner.build.distillation import are_logits, check_teacher, make_teaching_loss, to_logits
from runner.build.failures import StageFailure
from runner.build.networks import (
    KERAS_FILE,
    SAVED_MODEL,
    Network,
    load_keras,
    mark_quantization_aware,
    of_keras,
    of_saved_model,
    open_artifact,
    summary_of,
)
from runner.build.objectives import make_loss
from runner.build.protocol import Progress, Report
from runner.build.scoring import score
from runner.build.step_training import StepTraining
from runner.scaling import scale
from runner.spec.architectures import Scaling

# Images that tell whether a network answers with logits.
_PROBES = 32


def compress_model(
    params: Mapping[str, Any],
    inputs: Mapping[str, Path],
    output: Path,
    report: Report,
    scratch: Path | None = None,
) -> dict[str, Any]:
    """Writes `model.keras`, or `saved_model` after quantization-aware training; scores, history.

    An attempt that follows a killed one goes on after its last epoch.

    Args:
        params: `steps` are `runner.spec.recipe.CompressionStep` as JSON, `train` is a `Train`;
            `scaling` says how pixels become the model's input, `teacher_scaling` the teacher's.
        inputs: `source` holds the trained model, `data` the images, `teacher` another model.
        scratch: a folder that outlives this attempt, for checkpoints; None makes none.

    Returns:
        The network's counts; `resumed_after`, epochs that an earlier attempt had done;
        `keras_accuracy`, the share of test images that it classifies correctly; `compression`,
        that share `before`, and the images `lost` and `gained` since.
    """
    keras.backend.clear_session()
    seed = params["train"]["seed"]
    keras.utils.set_random_seed(seed)
    path = inputs["source"] / KERAS_FILE
    if not path.exists():
        raise StageFailure(
            "bad_input",
            "a SavedModel can't be compressed",
            why="its layers are not known any more, only its graph",
            remedy="name the .keras file that it was made of",
        )
    model = load_keras(path)
    work = _Work(model, params, inputs, StepTraining(model, CheckpointFolder(scratch), report))
    work.run()
    network = work.finish(output)
    scores = score(network, inputs["data"], params["scaling"])
    save_array(output / "test_scores.npy", scores)
    (output / "history.json").write_text(json.dumps(work.training.history), encoding="utf-8")
    labels = np.asarray(open_array(inputs["data"] / "test_labels.npy"))
    right = scores.argmax(axis=1) == labels
    return {
        **summary_of(of_keras(work.model)),
        "resumed_after": work.training.resumed_after,
        "keras_accuracy": float(np.mean(right)),
        "compression": _lost(inputs["source"] / "test_scores.npy", labels, right),
    }


def _lost(source_scores: Path, labels: Any, right: Any) -> dict[str, Any] | None:
    """What compression did to the answers; None where the network was not scored before.

    Args:
        labels: shape (images,).
        right: whether the compressed network's answer is, shape (images,).
    """
    if not source_scores.exists():
        return None
    was_right = open_array(source_scores).argmax(axis=1) == labels
    return {
        "before": float(np.mean(was_right)),
        "lost": int(np.sum(was_right & ~right)),
        "gained": int(np.sum(~was_right & right)),
    }


@dataclass
class _Work:
    """The steps under way: the Keras 3 model, or what tf-keras made of it last.

    Attributes:
        done: the steps that are finished, with their options.
        quantized: the tf-keras model that rounds; None until that step is done.
    """

    model: keras.Model
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    training: StepTraining
    done: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    quantized: Any = None

    def run(self) -> None:
        """Does all steps that are not done yet."""
        steps = self.params["steps"]
        finished = self.training.resume()
        for number, step in enumerate(steps):
            if number >= finished:
                self.training.begin(number)
                self._do(step["name"], step["options"])
                if number + 1 < len(steps):
                    self.training.end()
            self.done[step["name"]] = step["options"]

    @cached_property
    def is_linear(self) -> bool:
        """Whether the network answers with logits."""
        return self._gives_logits(of_keras(self.model), self.params["scaling"])

    def _do(self, name: str, options: Mapping[str, Any]) -> None:
        self.training.report(Progress(0, max(1, options["epochs"]), f"{name}: preparing", "epoch"))
        if name == "distill":
            self._distill(options)
        else:
            self._optimize(name, options)

    def finish(self, output: Path) -> Network:
        """Writes the model; returns it as what is scored."""
        if self.quantized is None:
            keras.Model(self.model.input, self.model.output).save(output / KERAS_FILE)
            return of_keras(self.model)
        twin = self.quantized
        shape = tuple(twin.inputs[0].shape)

        @tf.function(  # type: ignore[untyped-decorator]
            autograph=False, input_signature=[tf.TensorSpec(shape, tf.float32, name="image")]
        )
        def infer(image: Any) -> Any:
            return {"scores": twin(image, training=False)}

        module = tf.Module()
        module.variables_of_model = twin.variables
        module.infer = infer
        tf.saved_model.save(module, str(output / SAVED_MODEL), signatures=infer)
        mark_quantization_aware(output)
        return of_saved_model(output / SAVED_MODEL)

    def _optimize(self, name: str, options: Mapping[str, Any]) -> None:
        # Only here: what merely distills needs none of the packages.
        _check_packages()
        import tf_keras

        from runner.build import compression
        from runner.build.twins import copy_weights, make_twin

        tf_keras.utils.set_random_seed(self.params["train"]["seed"])
        twin = make_twin(self.model)
        batches = self._batches()

        def fit(wrapped: Any, callbacks: Sequence[Any]) -> None:
            loss = self._loss(tf_keras)
            wrapped.compile(
                optimizer=tf_keras.optimizers.Adam(options["learning_rate"]),
                loss=loss.per_image,
                metrics=[tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
                jit_compile=False,
            )
            self.training.fit(
                wrapped,
                batches,
                name=name,
                epochs=options["epochs"],
                library=tf_keras,
                callbacks=callbacks,
            )

        if name == "quantization_aware":
            self.quantized = compression.quantization_aware(twin, options, self.done, fit)
            return
        if name == "prune":
            steps = batches.steps * options["epochs"]
            small = compression.prune(twin, options, steps, fit)
        else:
            small = compression.cluster(twin, options, fit)
        copy_weights(small, self.model)

    def _distill(self, options: Mapping[str, Any]) -> None:
        undone = [name for name in ("prune", "cluster") if name in self.done]
        if undone:
            raise StageFailure(
                "bad_input",
                f"distillation after {undone[0]} would undo it",
                remedy="put distill first in the list of compress",
            )
        teacher = open_artifact(self.inputs["teacher"])
        check_teacher(teacher, self.model)
        scaling, teacher_scaling = self.params["scaling"], self.params["teacher_scaling"]
        teacher_is_linear = self._gives_logits(teacher, teacher_scaling)
        batches = self._batches(scaling="raw")

        def pack(pixels: Any, labels: Any, weights: Any) -> Any:
            (answer,) = teacher.call([scale(pixels, teacher_scaling)])
            logits = to_logits(answer, is_linear=teacher_is_linear)
            packed = tf.concat([tf.cast(labels, tf.float32)[:, None], logits], axis=1)
            return scale(pixels, scaling), packed, weights

        batches.dataset = batches.dataset.map(pack)
        loss = make_teaching_loss(self._loss(keras).per_image, options, is_linear=self.is_linear)
        self.model.compile(
            optimizer=keras.optimizers.Adam(options["learning_rate"]),
            loss=loss,
            metrics=[_accuracy],
            jit_compile=False,
        )
        self.training.fit(
            self.model, batches, name="distill", epochs=options["epochs"], library=keras
        )

    def _gives_logits(self, network: Network, scaling: Scaling) -> bool:
        """Whether a network answers training images with logits; its layers need not tell."""
        images = open_array(self.inputs["data"] / "train_images.npy")[: network.batch or _PROBES]
        given = scale(tf.constant(images, tf.float32), scaling)
        (answer,) = network.call([tf.cast(given, network.inputs[0].dtype)])
        return are_logits(np.asarray(answer, np.float64))

    def _batches(self, scaling: Scaling | None = None) -> TrainingBatches:
        data, train = self.inputs["data"], self.params["train"]
        labels = np.asarray(open_array(data / "train_labels.npy"))
        classes = json.loads((data / "classes.json").read_text(encoding="utf-8"))
        return TrainingBatches(
            data / "train_images.npy",
            labels,
            np.arange(len(labels)),
            train,
            scaling=scaling or self.params["scaling"],
            weights=weigh_classes(train["class_weights"], classes, labels),
        )

    def _loss(self, library: Any) -> Any:
        classes = self.model.output_shape[-1]
        return make_loss(
            self.params["train"]["loss"],
            classes,
            from_logits=self.is_linear,
            library=library,
        )


def _accuracy(packed: Any, scores: Any) -> Any:
    """As many as agree with the label, of answers that carry the teacher's too."""
    return tf.cast(tf.cast(packed[:, 0], tf.int64) == tf.argmax(scores, axis=-1), tf.float32)


_accuracy.__name__ = "accuracy"


def _check_packages() -> None:
    try:
        # The other one needs it, and doesn't say its name.
        import tf_keras  # noqa: F401, I001 - whether it can be
        import tensorflow_model_optimization  # noqa: F401 - as above
    except ImportError as error:
        raise StageFailure(
            "missing_package",
            "the packages that compress are not installed",
            why=str(error),
            remedy="pip install 'retime[compress]'",
        ) from error
