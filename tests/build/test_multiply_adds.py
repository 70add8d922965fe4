"""Multiply-adds and parameters of the MobileNets, against the figures of their papers.

V1: Howard et al. 2017 (arXiv 1704.04861), tables 6 and 7: 569 M and 4.24 M (as its repository has
them), 149 M and 1.34 M at 0.5. V2: Sandler et al. 2018 (arXiv 1801.04381), table 4: 300 M and
3.47 M; 585 M and 6.06 M at 1.4. All with 1000 classes, at 224x224. V2's count of parameters leaves
batch normalization out, V1's its moving averages only.
"""

from __future__ import annotations

from typing import Any

import pytest

from runner.analysis.graph import count_multiply_adds

pytestmark = [pytest.mark.acceptance, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize(
    ("name", "alpha", "millions", "parameters"),
    [
        ("MobileNet", 1.0, 569, 4.24),
        ("MobileNetV2", 1.0, 300, 3.47),
        pytest.param("MobileNet", 0.5, 149, 1.34, marks=pytest.mark.exhaustive),
        pytest.param("MobileNetV2", 1.4, 585, 6.06, marks=pytest.mark.exhaustive),
    ],
)
def test_multiply_adds_and_parameters_are_those_of_the_papers(
    tensorflow: Any, name: str, alpha: float, millions: float, parameters: float
) -> None:
    import keras

    from runner.build.convert import make_converter, trace
    from runner.build.networks import count, of_keras

    keras.backend.clear_session()
    make = getattr(keras.applications, name)
    network = of_keras(make((224, 224, 3), alpha=alpha, weights=None))
    content = make_converter(trace(network), "float32").convert()
    counted = network.trainable_parameters
    if name == "MobileNetV2":
        norms = keras.layers.BatchNormalization
        of_norms = [one for one in network.owner.layers if isinstance(one, norms)]
        counted -= sum(count(one.trainable_weights) for one in of_norms)
    assert counted / 1e6 == pytest.approx(parameters, rel=0.01)
    assert count_multiply_adds(content) / 1e6 == pytest.approx(millions, rel=0.01)
