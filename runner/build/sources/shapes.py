"""Drawn images of simple shapes, whose variability is set as wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.build.sources.collection import Collection, Loader, ready

Floats = NDArray[np.float32]

# Images that are drawn at once, from one generator: part of what a seed means.
_BLOCK = 64
_ANGLES = 512
_RADIUS = 0.3
_MOST_CLUTTER = 6
_MOST_NOISE = 64.0
_FOREGROUND, _BACKGROUND = (230, 200, 60), (40, 60, 90)


def _polygon(corners: int) -> Floats:
    """A regular polygon's radius by angle, with its corners at 1."""
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    part = 2 * np.pi / corners
    return _normal(np.cos(part / 2) / np.cos(angle % part - part / 2))


def _waves(count: int, depth: float, sharpness: float = 1.0) -> Floats:
    """A star or a flower: a radius that rises and falls."""
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    wave = (1 + np.cos(count * angle)) / 2
    return _normal(1 - depth + depth * wave**sharpness)


def _box(width: float, height: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    with np.errstate(divide="ignore"):
        return _normal(np.minimum(width / np.abs(np.cos(angle)), height / np.abs(np.sin(angle))))


def _cross(arm: float) -> Floats:
    return np.maximum(_box(1.0, arm), _box(arm, 1.0))


def _ellipse(ratio: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    return _normal(1 / np.sqrt(np.cos(angle) ** 2 + (np.sin(angle) / ratio) ** 2))


def _drop() -> Floats:
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    return _normal(0.45 + 0.55 * ((1 + np.cos(angle)) / 2) ** 4)


def _heart() -> Floats:
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    return _normal(1 - 0.7 * np.sin(angle) + 0.3 * np.abs(np.cos(angle)) ** 0.5)


def _normal(radius: NDArray[Any]) -> Floats:
    return np.asarray(radius / radius.max(), np.float32)


# Radius by angle, at most 1: each encloses its own middle, so that two can be mixed.
_OUTLINES: Mapping[str, Floats] = {
    "circle": _waves(1, 0.0),
    "triangle": _polygon(3),
    "square": _polygon(4),
    "star": _waves(5, 0.6, 2.0),
    "cross": _cross(0.3),
    "ellipse": _ellipse(0.45),
    "flower": _waves(6, 0.5, 0.6),
    "bar": _box(1.0, 0.22),
    "heart": _heart(),
    "drop": _drop(),
    "pentagon": _polygon(5),
    "clover": _waves(3, 0.65, 0.7),
    "spark": _waves(4, 0.8, 3.0),
    "gear": _waves(12, 0.25, 0.5),
    "rectangle": _box(1.0, 0.6),
    "hexagon": _polygon(6),
}


@dataclass(frozen=True)
class Dials:
    """How much images of one class differ, each from 0 to 1."""

    pose: float
    scale: float
    color: float
    clutter: float
    noise: float
    overlap: float


def shapes(options: Mapping[str, Any], size: tuple[int, int]) -> Collection:
    """Images of one shape each, drawn at their final size; every class has as many, or one more.

    Args:
        options: of the source `shapes`, as the spec has them.
        size: height and width.
    """
    classes = list(_OUTLINES)[: options["classes"]]
    labels = np.arange(options["images"], dtype=np.int64) % len(classes)
    dials = Dials(
        **{
            name: options["variability"] if options.get(name) is None else options[name]
            for name in ("pose", "scale", "color", "clutter", "noise")
        },
        overlap=options["overlap"],
    )
    outlines = _mixed(np.stack([_OUTLINES[name] for name in classes]), dials.overlap)

    def read(chosen: NDArray[np.int64]) -> Iterator[Loader]:
        block, images = -1, np.empty(0, np.uint8)
        for index in chosen:
            if index // _BLOCK != block:
                block = int(index // _BLOCK)
                generator = np.random.default_rng([options["seed"], block])
                places = np.arange(block * _BLOCK, (block + 1) * _BLOCK) % len(classes)
                images = draw(outlines[places], dials, size, generator)
            image = images[index % _BLOCK]
            yield ready(image)

    return Collection(labels, classes, read, lambda index: f"drawing {index}")


def draw(
    outlines: Floats, dials: Dials, size: tuple[int, int], generator: np.random.Generator
) -> NDArray[np.uint8]:
    """One image for each outline.

    Args:
        outlines: radius by angle, shape (images, angles).

    Returns:
        uint8, shape (images, height, width, 3).
    """
    count = len(outlines)
    height, width = size
    shorter = min(size)
    down, right = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    # The middle is 0, the shorter side is 1.
    down, right = (down - height / 2) / shorter, (right - width / 2) / shorter
    background, foreground = _colors(count, dials.color, generator)
    pixels = np.broadcast_to(background[:, None, None], (count, height, width, 3)).copy()
    for _ in range(round(_MOST_CLUTTER * dials.clutter)):
        _paint_clutter(pixels, down, right, generator)
    radius = _RADIUS * (1 + dials.scale * generator.uniform(-0.6, 0.4, count))
    room = np.maximum(0.0, 0.5 - radius)[:, None]
    middle = dials.pose * generator.uniform(-1, 1, (count, 2)) * room
    turn = dials.pose * generator.uniform(-np.pi, np.pi, count)
    alpha = _inside(
        outlines, down, right, middle=middle, radius=radius, turn=turn, pixels_per_unit=shorter
    )
    _paint(pixels, alpha, foreground)
    if dials.noise:
        noise = generator.standard_normal(pixels.shape, np.float32)
        pixels += np.float32(_MOST_NOISE * dials.noise) * noise
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)


def _mixed(outlines: Floats, overlap: float) -> Floats:
    """Outlines nearer to each other: at 1 all are the mean of all."""
    mean = outlines.mean(axis=0, keepdims=True)
    return np.asarray((1 - overlap) * outlines + overlap * mean, np.float32)


def _colors(count: int, amount: float, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Background and foreground, each (images, 3); never so alike that a shape disappears."""
    background = generator.uniform(0, 255, (count, 3))
    foreground = (background + 128 + generator.uniform(-40, 40, (count, 3))) % 256
    return (
        np.asarray((1 - amount) * np.array(_BACKGROUND) + amount * background, np.float32),
        np.asarray((1 - amount) * np.array(_FOREGROUND) + amount * foreground, np.float32),
    )


def _inside(
    outlines: Floats,
    down: Floats,
    right: Floats,
    *,
    middle: NDArray[Any],
    radius: NDArray[Any],
    turn: NDArray[Any],
    pixels_per_unit: int,
) -> Floats:
    """How much of each pixel lies inside, from 0 to 1; shape (images, height, width)."""
    away_down = down[None] - middle[:, 0, None, None].astype(np.float32)
    away_right = right[None] - middle[:, 1, None, None].astype(np.float32)
    distance = np.hypot(away_down, away_right)
    angle = np.arctan2(away_down, away_right) + turn[:, None, None].astype(np.float32)
    place = np.floor(angle * np.float32(_ANGLES / (2 * np.pi))).astype(np.int64) % _ANGLES
    edge = np.take_along_axis(outlines, place.reshape(len(outlines), -1), axis=1)
    edge = edge.reshape(place.shape) * radius[:, None, None].astype(np.float32)
    inside = (edge - distance) * np.float32(pixels_per_unit) + np.float32(0.5)
    return np.asarray(np.clip(inside, 0, 1), np.float32)


def _paint(pixels: Floats, alpha: Floats, color: Floats) -> None:
    pixels += alpha[..., None] * (color[:, None, None] - pixels)


def _paint_clutter(
    pixels: Floats, down: Floats, right: Floats, generator: np.random.Generator
) -> None:
    """A small bar in every image, of any color, anywhere."""
    count = len(pixels)
    outlines = np.broadcast_to(_OUTLINES["bar"], (count, _ANGLES))
    middle = generator.uniform(-0.5, 0.5, (count, 2))
    radius = generator.uniform(0.05, 0.18, count)
    turn = generator.uniform(-np.pi, np.pi, count)
    color = generator.uniform(0, 255, (count, 3)).astype(np.float32)
    alpha = _inside(
        outlines,
        down,
        right,
        middle=middle,
        radius=radius,
        turn=turn,
        pixels_per_unit=min(pixels.shape[1:3]),
    )
    _paint(pixels, alpha, color)
