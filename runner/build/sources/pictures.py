"""One image of any kind, as the pixels that networks are trained on."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from runner.build.sources.collection import UnreadableImageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_WHITE = (255, 255, 255)
# 16-bit gray of either byte order; and 32-bit gray, which is how PGM files of 16 bits are read.
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_DEEP_WHITE = 65535
# Kinds of numbers that say nothing of where white is -> what a set of them is known by that has
# another white than is taken here: its largest value is no larger.
TOO_DARK = {"floats": 1, "whole numbers of 32 bits": 255}
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def open_picture(path: Path) -> Callable[[], Any]:
    """A loader of an image file, upright as its camera says."""

    def load() -> Any:
        return decode(path)

    return load


def decode(file: Any) -> Image.Image:
    """An image from a path or an open file, wholly read.

    Raises:
        UnreadableImageError: it is missing, damaged or no image.
    """
    try:
        with warnings.catch_warnings():
            # What Pillow only warns of: metadata that it can't read, and images that are enormous.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                image.load()
                return ImageOps.exif_transpose(image)
    except _BROKEN as error:
        raise UnreadableImageError(_why(error)) from error


def brightest(image: Any) -> tuple[str, float] | None:
    """A kind in `TOO_DARK` and the image's largest value; None where its numbers say what is white.

    Args:
        image: as `to_pixels` takes it.
    """
    if isinstance(image, Image.Image):
        kind = {"F": "floats", "I": "whole numbers of 32 bits"}.get(image.mode)
    else:
        kind = "floats" if np.asarray(image).dtype.kind == "f" else None
    return (kind, float(np.max(np.asarray(image)))) if kind else None


def to_pixels(image: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Any image -> uint8 (height, width, 3), resized by bilinear interpolation.

    Transparent places become white, 16-bit values are scaled to 8 whatever they are, of an
    animation the first picture is taken. Shrinking averages over all pixels, so that nothing
    aliases.

    Args:
        image: a Pillow image, or an array of shape (h, w) or (h, w, 1 to 4) with values from 0 to
            255 (integers, or floats of that range).
        size: height and width.

    Raises:
        UnreadableImageError: its values or its shape are no image's.
    """
    picture = image if isinstance(image, Image.Image) else _picture(np.asarray(image))
    color = _to_rgb(picture)
    height, width = size
    if color.size != (width, height):
        color = color.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(color, np.uint8)


def _picture(array: NDArray[Any]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in {2, 3} or 0 in array.shape or (array.ndim == 3 and array.shape[2] > 4):
        raise UnreadableImageError(f"an array of shape {array.shape} is no image")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    if array.dtype != np.uint8:
        lowest, highest = array.min(), array.max()
        if not (lowest >= 0 and highest <= 255):
            raise UnreadableImageError(f"values from {lowest:g} to {highest:g}, not 0 to 255")
        array = np.rint(array).astype(np.uint8)
    modes = {2: "LA", 3: "RGB", 4: "RGBA"}
    mode = "L" if array.ndim == 2 else modes[array.shape[2]]
    return Image.frombuffer(
        mode, (array.shape[1], array.shape[0]), np.ascontiguousarray(array), "raw", mode, 0, 1
    )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP:
        values = np.asarray(image)
        lowest, highest = values.min(), values.max()
        if not (lowest >= 0 and highest <= _DEEP_WHITE):
            raise UnreadableImageError(f"values from {lowest} to {highest}, not 0 to {_DEEP_WHITE}")
        image = Image.fromarray((values // 257).astype(np.uint8))
    elif image.mode == "F":
        image = _picture(np.asarray(image))
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, (*_WHITE, 255))
        image = Image.alpha_composite(paper, opaque)
    return image.convert("RGB")


def _why(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    text = str(error).partition("\n")[0]
    if "cannot identify image file" in text:
        return "no image by its content"
    return text or type(error).__name__
