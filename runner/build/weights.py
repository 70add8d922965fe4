"""Where a base's weights come from: nowhere, ImageNet, or a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from runner.build.downloads import alone, keras_folder, patient_network
from runner.build.failures import StageFailure, excerpt, explain, kind_of_download
from runner.spec.terms import WEIGHT_SUFFIXES

_URL = re.compile(r"https?://\S+/(?P<file>[\w.\-]+)")


def make_base(make: Callable[..., keras.Model], weights: str, **options: Any) -> keras.Model:
    """Builds a base and fills it.

    Weights are read as arrays only: no model is deserialized and nothing is unpickled, so that a
    file can't run code.

    Args:
        make: a network of keras.applications.
        weights: `none`, `imagenet`, or the path of a file that holds the weights of the base, or of
            a model whose first layers are the base's.
        options: passed on to `make`.

    Raises:
        StageFailure: weights can't be had, or belong to another network.
    """
    if weights == "imagenet":
        return _imagenet_base(make, options)
    base = make(weights=None, **options)
    if weights != "none":
        _load_file(base, Path(weights))
    return base


def _imagenet_base(make: Callable[..., keras.Model], options: dict[str, Any]) -> keras.Model:
    folder = keras_folder() / "models"
    try:
        with alone(folder), patient_network():
            return make(weights="imagenet", **options)
    except Exception as error:
        known = explain(error)
        if known.kind != "exception":
            raise known from error
        url = _URL.search(str(error))
        if url is None:
            raise StageFailure(
                "refused",
                "the ImageNet weights can't be loaded",
                why=excerpt(error),
                remedy=f"remove a damaged file from {folder}, where Keras keeps them",
            ) from error
        place = folder / url["file"].rstrip(".:")
        raise StageFailure(
            kind_of_download(error),
            "the ImageNet weights can't be downloaded",
            why=excerpt(error),
            remedy=f"put the file of that name at {place}, where Keras looks for it; or name "
            "another file of weights: model: {base: {weights: FILE.weights.h5}}",
        ) from error


def _load_file(base: keras.Model, path: Path) -> None:
    if not path.name.endswith(WEIGHT_SUFFIXES):
        raise StageFailure(
            "bad_input",
            f"{path.name} is no file of Keras weights",
            remedy="save them with base.save_weights(); the name ends in "
            f"{' or '.join(WEIGHT_SUFFIXES)}",
        )
    try:
        base.load_weights(path)
    except Exception as error:
        known = explain(error)
        if known.kind != "exception":
            raise known from error
        raise StageFailure(
            "refused",
            f"the weights {str(path)!r} can't be loaded",
            why=excerpt(error),
            remedy="the file must hold the weights of the same base, with the same alpha and "
            "without its top: base.save_weights('base.weights.h5')",
        ) from error
