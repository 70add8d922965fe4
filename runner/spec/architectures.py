"""What each network of keras.applications takes, known without importing it.

A test holds every line against the installed Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scaling = Literal["minus_one_to_one", "raw", "centered_bgr", "standardized"]


@dataclass(frozen=True)
class Architecture:
    """One network, without its top.

    Attributes:
        name: in keras.applications.
        scaling: what its input wants: pixels scaled to between -1 and 1, or raw ones from 0 to 255,
            which the network scales itself.
        layers: how many layers it has at alpha 1 with random weights, the input included.
        most_layers: the most it has with any alpha and any weights; widths that meet after rounding
            gain an addition, and EfficientNet's ImageNet weights come with one more scaling.
        smallest_alpha: the width below which a layer has no filters left; None where there is
            no alpha.
        imagenet_alphas: the widths that ImageNet weights exist for; empty where there is no alpha.
        imagenet_sizes: the input sizes that ImageNet weights were made for; at any other size Keras
            takes the ones for the last of these.
        smallest_size: the smallest height and width.
    """

    name: str
    scaling: Scaling
    layers: int
    most_layers: int
    smallest_alpha: float | None = None
    imagenet_alphas: tuple[float, ...] = ()
    imagenet_sizes: tuple[int, ...] = (224,)
    smallest_size: int = 32

    @property
    def has_alpha(self) -> bool:
        """Whether the width multiplier applies."""
        return self.smallest_alpha is not None


_ALL = (
    Architecture(
        "MobileNet",
        "minus_one_to_one",
        layers=86,
        most_layers=86,
        smallest_alpha=1 / 32,
        imagenet_alphas=(0.25, 0.5, 0.75, 1.0),
        imagenet_sizes=(128, 160, 192, 224),
    ),
    Architecture(
        "MobileNetV2",
        "minus_one_to_one",
        layers=154,
        most_layers=157,
        smallest_alpha=0.0,
        imagenet_alphas=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
        imagenet_sizes=(96, 128, 160, 192, 224),
    ),
    Architecture(
        "MobileNetV3Small",
        "raw",
        layers=157,
        most_layers=158,
        smallest_alpha=0.0,
        imagenet_alphas=(0.75, 1.0),
    ),
    Architecture(
        "MobileNetV3Large",
        "raw",
        layers=187,
        most_layers=187,
        smallest_alpha=0.0,
        imagenet_alphas=(0.75, 1.0),
    ),
    Architecture("EfficientNetB0", "raw", layers=237, most_layers=238, imagenet_sizes=(224,)),
    Architecture("EfficientNetB1", "raw", layers=339, most_layers=340, imagenet_sizes=(240,)),
    Architecture("EfficientNetB2", "raw", layers=339, most_layers=340, imagenet_sizes=(260,)),
    Architecture("EfficientNetB3", "raw", layers=384, most_layers=385, imagenet_sizes=(300,)),
    Architecture("EfficientNetB4", "raw", layers=474, most_layers=475, imagenet_sizes=(380,)),
    Architecture("EfficientNetV2B0", "raw", layers=270, most_layers=270, imagenet_sizes=(224,)),
    Architecture("EfficientNetV2B1", "raw", layers=334, most_layers=334, imagenet_sizes=(240,)),
    Architecture("EfficientNetV2B2", "raw", layers=349, most_layers=349, imagenet_sizes=(260,)),
    Architecture("EfficientNetV2B3", "raw", layers=409, most_layers=409, imagenet_sizes=(300,)),
)

ARCHITECTURES = {architecture.name: architecture for architecture in _ALL}
