"""Training a network to answer as a teacher does, after Hinton, Vinyals and Dean (2015)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from runner.build.failures import StageFailure
from runner.build.networks import Network

_LEAST = 1e-7
_TOLERANCE = 0.02


def are_logits(answers: NDArray[np.float64]) -> bool:
    """Whether answers, shape (images, classes), are logits.

    Scores are not negative and add up to one for each image, rounded to 8 or 16 bits too.
    """
    sums = answers.sum(axis=1)
    return not ((answers >= 0).all() and np.allclose(sums, 1, rtol=0, atol=_TOLERANCE))


def to_logits(answer: Any, *, is_linear: bool) -> Any:
    """Logits of an answer; of softmax scores, their logarithm, which differs by a constant."""
    return answer if is_linear else tf.math.log(tf.maximum(answer, _LEAST))


def make_teaching_loss(label_loss: Any, options: Mapping[str, Any], *, is_linear: bool) -> Any:
    """A loss of packed answers, float32 of shape (batch, 1 + classes): the label, teacher's logits.

    The teacher's share is the divergence of both networks' softened answers, times the square of
    the temperature, so that its gradients stay as large; the rest is the label's loss.

    Args:
        label_loss: of labels (batch,) and scores (batch, classes); gives one value an image.
        options: of the step `distill`.
        is_linear: whether the student's classifier gives logits.
    """
    temperature, share = options["temperature"], options["teacher_share"]

    def loss(packed: Any, scores: Any) -> Any:
        labels, teacher = packed[:, 0], packed[:, 1:]
        student = tf.nn.log_softmax(to_logits(scores, is_linear=is_linear) / temperature)
        wanted = tf.nn.softmax(teacher / temperature)
        divergence = tf.reduce_sum(
            wanted * (tf.math.log(tf.maximum(wanted, _LEAST)) - student), axis=-1
        )
        return share * temperature**2 * divergence + (1 - share) * label_loss(labels, scores)

    return loss


def check_teacher(teacher: Network, model: keras.Model) -> None:
    """Refuses a teacher that takes other images or tells other classes apart.

    Raises:
        StageFailure: it does.
    """
    wanted = (tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:]))
    found = (teacher.inputs[0].shape, teacher.outputs[0].shape)
    fits = teacher.is_plain and all(
        one in {None, other}
        for shape, other_shape in zip(found, wanted, strict=True)
        for one, other in zip(shape, other_shape, strict=False)
    )
    if not fits:
        raise StageFailure(
            "bad_input",
            "the teacher doesn't fit the network that learns from it",
            why=f"it takes {found[0]} and gives {found[1]}; "
            f"the network {wanted[0]} and {wanted[1]}",
            remedy="the teacher needs the same image size and the same classes",
        )
