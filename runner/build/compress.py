"""Compression: a trained model in, a smaller one out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.build.arrays import open_array, save_array
from runner.build.batches import TrainingBatches
from runner.build.class_weights import weigh_classes
from runner.build.distillation import check_teacher, make_teaching_loss, to_logits
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
from runner.scaling import scale
from runner.spec.architectures import Scaling
from runner.build.scoring import score


def compress_model(
    params: Mapping[str, Any], inputs: Mapping[str, Path], output: Path, report: Report
) -> dict[str, Any]:
    """Writes `model.keras`, or `saved_model` after quantization-aware training; scores, history.

    Args:
        params: `steps` are `runner.spec.model.CompressionStep` as JSON, `train` is a `Train`;
            `scaling` says how pixels become the model's input, `teacher_scaling` the teacher's.
        inputs: `source` holds the trained model, `data` the images, `teacher` another model.
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
    work = _Work(load_keras(path), params, inputs, report)
    for step in params["steps"]:
        work.do(step["name"], step["options"])
    network = work.finish(output)
    scores = score(network, inputs["data"], params["scaling"])
    save_array(output / "test_scores.npy", scores)
    (output / "history.json").write_text(json.dumps(work.history), encoding="utf-8")
    labels = open_array(inputs["data"] / "test_labels.npy")
    return {
        **summary_of(of_keras(work.model)),
        "keras_accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
    }


@dataclass
class _Work:
    """The steps under way: the Keras 3 model, or what tf-keras made of it last."""

    model: keras.Model
    params: Mapping[str, Any]
    inputs: Mapping[str, Path]
    report: Report
    history: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    done: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    quantized: Any = None

    def do(self, name: str, options: Mapping[str, Any]) -> None:
        """Does one step."""
        self.report(Progress(0, max(1, options["epochs"]), f"{name}: preparing", "epoch"))
        if name == "distill":
            self._distill(options)
        else:
            self._optimize(name, options)
        self.done[name] = options

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

        def fit(wrapped: Any, callbacks: Any) -> None:
            loss = self._loss(tf_keras)
            wrapped.compile(
                optimizer=tf_keras.optimizers.Adam(options["learning_rate"]),
                loss=lambda labels, scores: loss.per_image(labels, scores),
                metrics=[tf_keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
                jit_compile=False,
            )
            for epoch in range(options["epochs"]):
                self._fit_epoch(wrapped, batches, name, epoch, options["epochs"], callbacks)

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
        is_linear = _is_linear(self.model)
        teacher_is_linear = _is_linear(teacher.owner)
        batches = self._batches(scaling="raw")
        scaling, teacher_scaling = self.params["scaling"], self.params["teacher_scaling"]

        def pack(pixels: Any, labels: Any, weights: Any) -> Any:
            (answer,) = teacher.call([scale(pixels, teacher_scaling)])
            logits = to_logits(answer, is_linear=teacher_is_linear)
            packed = tf.concat([tf.cast(labels, tf.float32)[:, None], logits], axis=1)
            return scale(pixels, scaling), packed, weights

        batches.dataset = batches.dataset.map(pack)
        loss = make_teaching_loss(self._loss(keras).per_image, options, is_linear=is_linear)
        self.model.compile(
            optimizer=keras.optimizers.Adam(options["learning_rate"]),
            loss=loss,
            metrics=[_accuracy],
            jit_compile=False,
        )
        for epoch in range(options["epochs"]):
            self._fit_epoch(self.model, batches, "distill", epoch, options["epochs"], [])

    def _fit_epoch(
        self,
        model: Any,
        batches: TrainingBatches,
        name: str,
        epoch: int,
        epochs: int,
        callbacks: Any,
    ) -> None:
        batches.begin_epoch(epoch)
        fitted = model.fit(
            batches.dataset, initial_epoch=epoch, epochs=epoch + 1, verbose=0, callbacks=callbacks
        )
        logs = {key: float(values[-1]) for key, values in fitted.history.items()}
        if not np.isfinite(logs["loss"]):
            raise StageFailure(
                "nan_loss",
                "the loss became NaN or infinite",
                why=f"in epoch {epoch + 1} of {name}",
                remedy="lower the learning rate of this step",
            )
        for key, value in logs.items():
            self.history.setdefault(name, {}).setdefault(key, []).append(value)
        note = f"{name}: epoch {epoch + 1}/{epochs}, accuracy {logs['accuracy']:.2f}"
        self.report(Progress(epoch + 1, epochs, note, "epoch"))

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
            from_logits=_is_linear(self.model),
            library=library,
        )


def _accuracy(packed: Any, scores: Any) -> Any:
    """As many as agree with the label, of answers that carry the teacher's too."""
    return tf.cast(tf.cast(packed[:, 0], tf.int64) == tf.argmax(scores, axis=-1), tf.float32)


_accuracy.__name__ = "accuracy"


def _is_linear(model: Any) -> bool:
    """Whether a Keras model's last layer gives logits; other models give scores."""
    if not isinstance(model, keras.Model):
        return False
    activation = getattr(model.layers[-1], "activation", None)
    return getattr(activation, "__name__", "") == "linear"


def _check_packages() -> None:
    try:
        import tensorflow_model_optimization  # noqa: F401 - whether it can be
        import tf_keras  # noqa: F401 - as above
    except ImportError as error:
        raise StageFailure(
            "missing_package",
            "the packages that compress are not installed",
            why=str(error),
            remedy="pip install 'retime[compress]'",
        ) from error
