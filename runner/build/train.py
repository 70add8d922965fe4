"""Training: a recipe and a data set in, a Keras model and its answers out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from runner.build.architecture import build_model
from runner.build.arrays import open_array, save_array
from runner.build.batches import TrainingBatches, make_batches
from runner.build.checkpoints import CheckpointFolder
from runner.build.class_weights import weigh_classes
from runner.build.dealing import deal
from runner.build.failures import StageFailure
from runner.build.features import head_of
from runner.build.fitting import Training
from runner.build.networks import KERAS_FILE, count, of_keras
from runner.build.objectives import make_loss
from runner.build.phases import plan_phases
from runner.build.precision import in_float32, layers_in
from runner.build.protocol import Progress, Report
from runner.build.scoring import score
from runner.build.snapshots import SnapshotTaker
from runner.plan.features import why_not_shared


def train_model(
    params: Mapping[str, Any],
    data: Path,
    output: Path,
    report: Report,
    scratch: Path | None = None,
    features: Path | None = None,
) -> dict[str, Any]:
    """Writes `model.keras`, `history.json` and `test_scores.npy` (float32, (samples, classes)).

    The same parameters and data give the same weights, bit for bit, on the same machine with as
    many threads, also when an attempt was killed and another one goes on after its last epoch.

    Args:
        params: `model` and `train` are records of `runner.spec.recipe` as JSON; `scaling` says how
            pixels become the model's input; `snapshots`, which may be left out, names the moments
            at which weights are kept for `snapshots.make_snapshot`.
        scratch: a folder that outlives this attempt, for checkpoints; None makes none.
        features: what the frozen base answers to the images, where the head alone is trained; the
            weights that come out are the same.
    """
    recipe, scaling = params["train"], params["scaling"]
    labels = open_array(data / "test_labels.npy")
    image_size = open_array(data / "train_images.npy").shape[1:3]
    classes = json.loads((data / "classes.json").read_text(encoding="utf-8"))
    keras.backend.clear_session()
    keras.utils.set_random_seed(recipe["seed"])
    with layers_in(recipe["precision"]):
        model = build_model(params["model"], (image_size[0], image_size[1]), len(classes))
    training = _prepare(model, params, classes, _Folders(data, output, scratch, features), report)
    training.run(plan_phases(params["model"], recipe))
    epochs = max(1, recipe["epochs"])
    report(Progress(epochs, epochs, "scoring the test images", "epoch"))
    # A model of its own leaves the optimizer's state behind, twice the size of the weights.
    bare = in_float32(model)
    scorer = bare if features is None else training.model
    scores = score(of_keras(scorer), data, scaling, features)
    bare.save(output / KERAS_FILE)
    save_array(output / "test_scores.npy", scores)
    (output / "history.json").write_text(json.dumps(training.history), encoding="utf-8")
    trained = _count_trained(model, training)
    training.snapshots.finish(output, training.steps, trainable_parameters=trained)
    return {
        "parameters": int(model.count_params()),
        "trainable_parameters": trained,
        "layers": len(model.layers),
        "keras_accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
        "epochs": len(training.history.get("loss", ())),
        "resumed_after": training.resumed_after,
        "features": _computed_once(training.batches.images, recipe["batch_size"])
        if features
        else f"computed anew: {why_not_shared(params['model'], recipe) or 'none were given'}",
        "validation_images": int(
            len(open_array(data / "train_labels.npy")) - training.batches.images
        ),
    }


def _computed_once(images: int, batch_size: int) -> str:
    """How far weights of a head that learned from features are those of plain training."""
    if images % batch_size != 1:
        return "computed once"
    return "computed once; equal to rounding, since an epoch's last batch has a single image"


@dataclass(frozen=True)
class _Folders:
    """Where a training finds and leaves what it works with; see `train_model`."""

    data: Path
    output: Path
    scratch: Path | None
    features: Path | None


def _count_trained(model: keras.Model, training: Training) -> int:
    """The numbers that any phase trained; without phases, those that training would change."""
    if not training.trained:
        return count(model.trainable_variables)
    return count([one for one in model.variables if one.path in training.trained])


def _prepare(
    model: keras.Model,
    params: Mapping[str, Any],
    classes: list[str],
    folders: _Folders,
    report: Report,
) -> Training:
    """The training of a model, or of its head alone where there are features."""
    recipe, head = params["train"], params["model"]["head"]
    data, features = folders.data, folders.features
    learner = model if features is None else head_of(model, len(head))
    labels = np.asarray(open_array(data / "train_labels.npy"))
    kept = keep_aside(labels, recipe["validation_fraction"], recipe["seed"])
    chosen = np.flatnonzero(~kept)
    batches = TrainingBatches(
        features / "train_features.npy" if features else data / "train_images.npy",
        labels,
        chosen,
        recipe,
        scaling=params["scaling"],
        weights=weigh_classes(recipe["class_weights"], classes, labels[chosen]),
    )
    return Training(
        model=learner,
        network=model,
        head_layers=len(head),
        batches=batches,
        validation=make_batches(
            data,
            "train",
            params["scaling"],
            recipe["batch_size"],
            chosen=np.flatnonzero(kept),
            features=features,
        )
        if kept.any()
        else None,
        loss=make_loss(
            recipe["loss"],
            len(classes),
            from_logits=head[-1]["options"].get("activation") == "linear",
        ),
        early_stopping=recipe["early_stopping"],
        checkpoints=CheckpointFolder(folders.scratch),
        snapshots=SnapshotTaker(
            params.get("snapshots", {}), batches.steps, model, folders.scratch or folders.output
        ),
        report=report,
    )


def keep_aside(labels: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which training images judge each epoch: a seeded choice with every class in its share.

    Raises:
        StageFailure: there are too few images for that.
    """
    wanted = round(fraction * len(labels)) if fraction else 0
    kept = deal(labels, wanted, np.random.default_rng([seed, len(labels)]), keep_one=True)
    if fraction and not kept.any():
        raise StageFailure(
            "bad_input",
            "no training image can be kept aside to judge epochs by",
            why=f"{fraction:.0%} of {len(labels)} images",
            remedy="raise train.validation_fraction, or leave it out",
        )
    return kept
