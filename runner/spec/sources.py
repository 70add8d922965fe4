"""The sets of images that come with Retime, known without opening them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A set of labelled images.

    Attributes:
        images: how many there are, training and test images together.
        classes: how many different labels.
    """

    name: str
    images: int
    classes: int

    def test_images(self, test_fraction: float) -> int:
        """How many images a split keeps for evaluation: at least one."""
        return max(1, round(self.images * test_fraction))

    def training_images(self, test_fraction: float) -> int:
        """How many images a split leaves for training."""
        return self.images - self.test_images(test_fraction)


SOURCES = {source.name: source for source in (Source("digits", images=1797, classes=10),)}
