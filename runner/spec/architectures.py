"""What each network of keras.applications takes, known without importing it.

Tests hold every line against the installed Keras; docs/architectures.md has what is worth knowing.
The names of the layers are in `layers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

Scaling = Literal["minus_one_to_one", "zero_to_one", "raw", "centered_bgr", "standardized"]


# The first drop connections at random while training, frozen or not; the answers of the second move
# in their last bits with the size of the batch.
_UNSTEADY = ("EfficientNet", "ConvNeXt")
# Those with a layer that the library refuses to quantize: one that rescales, or a normalization
# that follows no convolution.
_NOT_WHOLLY_AWARE = ("MobileNetV3", "ResNet50V2", "ResNet101V2", "ResNet152V2", "DenseNet")
# Networks with layers of their own, or that are computed otherwise in tf-keras; a minimalistic
# MobileNetV3 has none.
_WITHOUT_TWIN = ("MobileNetV3", "EfficientNet", "InceptionResNet", "NASNet", "ConvNeXt")


@dataclass(frozen=True)
class Option:
    """A choice that a network takes beside its width.

    Attributes:
        name: the argument in keras.applications, and the key below `model.base`.
        default: what is taken where nothing is said; a bool for a switch, else a whole number.
        imagenet_alphas: value -> the widths that ImageNet weights exist for with it; a value that
            is not there has none.
        smallest: the smallest number; None for a switch.
    """

    name: str
    default: bool | int
    imagenet_alphas: Mapping[bool | int, tuple[float, ...]]
    smallest: int | None = None

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off, and no number."""
        return self.smallest is None


@dataclass(frozen=True)
class Architecture:
    """One network, without its top.

    Attributes:
        name: in keras.applications.
        scaling: what its input wants: pixels scaled to between -1 and 1; raw ones from 0 to 255,
            which the network scales itself; centred ones with blue first; or standardized ones (see
            `runner.scaling`).
        layers: how many layers it has at alpha 1 with random weights and no option, the input
            included.
        parameters: how many numbers it holds then, those that are not trained included.
        further_layers: how many more it has at most with another alpha or with ImageNet weights.
        smallest_alpha: the width below which a layer has no filters left; None where there is
            no alpha.
        imagenet_alphas: the widths that ImageNet weights exist for; empty where there is no alpha.
        imagenet_sizes: the input sizes that ImageNet weights were made for; at any other size Keras
            takes the ones for the last of these.
        smallest_size: the smallest height and width.
        options: what it takes beside alpha.
    """

    name: str
    scaling: Scaling
    layers: int
    parameters: int
    _: KW_ONLY
    further_layers: int = 0
    smallest_alpha: float | None = None
    imagenet_alphas: tuple[float, ...] = ()
    imagenet_sizes: tuple[int, ...] = (224,)
    smallest_size: int = 32
    options: tuple[Option, ...] = ()

    @property
    def has_alpha(self) -> bool:
        """Whether the width multiplier applies."""
        return self.smallest_alpha is not None

    @property
    def is_steady(self) -> bool:
        """Whether it answers an image with the same bits in every epoch and batch while frozen."""
        return not self.name.startswith(_UNSTEADY)

    def has_twin(self, base: Mapping[str, Any]) -> bool:
        """Whether all of its layers have a counterpart in tf-keras, which compresses.

        Args:
            base: the fields of `model.base`.
        """
        return not self.name.startswith(_WITHOUT_TWIN) or bool(base.get("minimalistic"))

    @property
    def is_wholly_aware(self) -> bool:
        """Whether quantization-aware training takes all of its layers, if it has a twin."""
        return not self.name.startswith(_NOT_WHOLLY_AWARE)

    @property
    def most_layers(self) -> int:
        """The most layers that it has with any alpha and any weights."""
        return self.layers + self.further_layers

    def option(self, name: str) -> Option | None:
        """Its option of that name; None where it has none."""
        return next((option for option in self.options if option.name == name), None)

    def without_defaults(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """A base without the options that say what holds anyway.

        Args:
            base: the fields of `model.base`.
        """
        usual = {option.name: option.default for option in self.options}
        return {
            name: value for name, value in base.items() if name not in usual or value != usual[name]
        }

    def imagenet_alphas_with(self, options: Mapping[str, Any]) -> tuple[float, ...]:
        """The widths that ImageNet weights exist for when these options are chosen.

        Empty where there are no weights with them, and where there is no alpha.

        Args:
            options: name -> value; names that the network does not have are overlooked.
        """
        alphas = self.imagenet_alphas
        for option in self.options:
            value = options.get(option.name, option.default)
            alphas = tuple(
                alpha for alpha in alphas if alpha in option.imagenet_alphas.get(value, ())
            )
        return alphas


_V1_ALPHAS = (0.25, 0.5, 0.75, 1.0)
_V3_ALPHAS = (0.75, 1.0)
_MINIMALISTIC = Option(
    "minimalistic", default=False, imagenet_alphas={False: _V3_ALPHAS, True: (1.0,)}
)

_ALL = (
    Architecture(
        "MobileNet",
        "minus_one_to_one",
        86,
        3_228_864,
        smallest_alpha=1 / 32,
        imagenet_alphas=_V1_ALPHAS,
        imagenet_sizes=(128, 160, 192, 224),
        options=(Option("depth_multiplier", 1, imagenet_alphas={1: _V1_ALPHAS}, smallest=1),),
    ),
    Architecture(
        "MobileNetV2",
        "minus_one_to_one",
        154,
        2_257_984,
        further_layers=3,
        smallest_alpha=0.0,
        imagenet_alphas=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
        imagenet_sizes=(96, 128, 160, 192, 224),
    ),
    Architecture(
        "MobileNetV3Small",
        "raw",
        157,
        939_120,
        further_layers=1,
        smallest_alpha=0.0,
        imagenet_alphas=_V3_ALPHAS,
        options=(_MINIMALISTIC,),
    ),
    Architecture(
        "MobileNetV3Large",
        "raw",
        187,
        2_996_352,
        smallest_alpha=0.0,
        imagenet_alphas=_V3_ALPHAS,
        options=(_MINIMALISTIC,),
    ),
    Architecture("EfficientNetB0", "raw", 237, 4_049_571, further_layers=1),
    Architecture("EfficientNetB1", "raw", 339, 6_575_239, further_layers=1, imagenet_sizes=(240,)),
    Architecture("EfficientNetB2", "raw", 339, 7_768_569, further_layers=1, imagenet_sizes=(260,)),
    Architecture("EfficientNetB3", "raw", 384, 10_783_535, further_layers=1, imagenet_sizes=(300,)),
    Architecture("EfficientNetB4", "raw", 474, 17_673_823, further_layers=1, imagenet_sizes=(380,)),
    Architecture("EfficientNetB5", "raw", 576, 28_513_527, further_layers=1, imagenet_sizes=(456,)),
    Architecture("EfficientNetB6", "raw", 666, 40_960_143, further_layers=1, imagenet_sizes=(528,)),
    Architecture("EfficientNetB7", "raw", 813, 64_097_687, further_layers=1, imagenet_sizes=(600,)),
    Architecture("EfficientNetV2B0", "raw", 270, 5_919_312),
    Architecture("EfficientNetV2B1", "raw", 334, 6_931_124, imagenet_sizes=(240,)),
    Architecture("EfficientNetV2B2", "raw", 349, 8_769_374, imagenet_sizes=(260,)),
    Architecture("EfficientNetV2B3", "raw", 409, 12_930_622, imagenet_sizes=(300,)),
    Architecture("EfficientNetV2S", "raw", 513, 20_331_360, imagenet_sizes=(384,)),
    Architecture("EfficientNetV2M", "raw", 740, 53_150_388, imagenet_sizes=(480,)),
    Architecture("EfficientNetV2L", "raw", 1028, 117_746_848, imagenet_sizes=(480,)),
    Architecture("ResNet50", "centered_bgr", 175, 23_587_712),
    Architecture("ResNet101", "centered_bgr", 345, 42_658_176),
    Architecture("ResNet152", "centered_bgr", 515, 58_370_944),
    Architecture("ResNet50V2", "minus_one_to_one", 190, 23_564_800),
    Architecture("ResNet101V2", "minus_one_to_one", 377, 42_626_560),
    Architecture("ResNet152V2", "minus_one_to_one", 564, 58_331_648),
    Architecture("DenseNet121", "standardized", 427, 7_037_504),
    Architecture("DenseNet169", "standardized", 595, 12_642_880),
    Architecture("DenseNet201", "standardized", 707, 18_321_984),
    Architecture(
        "InceptionV3", "minus_one_to_one", 311, 21_802_784, imagenet_sizes=(299,), smallest_size=75
    ),
    Architecture(
        "InceptionResNetV2",
        "minus_one_to_one",
        780,
        54_336_736,
        imagenet_sizes=(299,),
        smallest_size=75,
    ),
    Architecture(
        "Xception", "minus_one_to_one", 132, 20_861_480, imagenet_sizes=(299,), smallest_size=71
    ),
    Architecture("NASNetMobile", "minus_one_to_one", 769, 4_269_716),
    Architecture("NASNetLarge", "minus_one_to_one", 1039, 84_916_818, imagenet_sizes=(331,)),
    Architecture("VGG16", "centered_bgr", 19, 14_714_688),
    Architecture("VGG19", "centered_bgr", 22, 20_024_384),
    Architecture("ConvNeXtTiny", "raw", 133, 27_820_128),
    Architecture("ConvNeXtSmall", "raw", 259, 49_454_688),
    Architecture("ConvNeXtBase", "raw", 259, 87_566_464),
    Architecture("ConvNeXtLarge", "raw", 259, 196_230_336),
)

ARCHITECTURES = {architecture.name: architecture for architecture in _ALL}

# Name in keras.applications -> why it can't be a base, as the rest of a sentence.
REFUSED: Mapping[str, str] = {
    "ConvNeXtXLarge": "converting its 348 million parameters takes more than 20 GB of memory",
}
