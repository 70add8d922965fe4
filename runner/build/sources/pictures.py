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
# 16-bit gray of either byte order, and 32-bit gray, in which 16 bits are kept too.
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")
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


def to_pixels(image: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Any image -> uint8 (height, width, 3), resized by bilinear interpolation.

    Transparent places become white, 16-bit values are scaled to 8, of an animation the first
    picture is taken. Shrinking averages over all pixels, so that nothing aliases.

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
        values = np.asarray(image).astype(np.int64)
        if values.max() > 255:
            values = values // 257 if values.max() <= 65535 else values >> 24
        image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
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
