"""How pixels become a network's input: one rule for training, calibration and evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from runner.spec.architectures import Scaling

# What the ImageNet weights of keras.applications were trained with.
_BGR_MEANS = np.array([103.939, 116.779, 123.68], np.float32)
_RGB_MEANS = np.array([0.485, 0.456, 0.406], np.float32)
_RGB_DEVIATIONS = np.array([0.229, 0.224, 0.225], np.float32)


def scale(pixels: Any, scaling: Scaling) -> Any:
    """Float pixels from 0 to 255 -> what the architecture wants, as its `preprocess_input` has it.

    Args:
        pixels: float32, shape (..., 3), in the order red, green, blue; a NumPy array or a tensor of
            TensorFlow, and the answer is of the same kind, the same to the bit for both.
        scaling: `minus_one_to_one`; `zero_to_one`; `raw` for networks that rescale by themselves;
            `centered_bgr`: blue first, ImageNet's mean of each channel subtracted; `standardized`:
            from 0 to 1, ImageNet's means subtracted, divided by its standard deviations.

    Raises:
        ValueError: there is no such scaling.
    """
    match scaling:
        case "raw":
            return pixels
        case "minus_one_to_one":
            return pixels / 127.5 - 1
        case "zero_to_one":
            return pixels / 255
        case "centered_bgr":
            return pixels[..., ::-1] - _BGR_MEANS
        case "standardized":
            return (pixels / 255 - _RGB_MEANS) / _RGB_DEVIATIONS
    raise ValueError(f"no such scaling: {scaling}")
