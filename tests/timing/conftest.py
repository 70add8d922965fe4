"""What several tests of the harness share."""

from __future__ import annotations

import pytest

from tests.timing.zoo import Animal, make_zoo


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Animal]:
    """Models of every kind, with TensorFlow's outputs."""
    return make_zoo(tmp_path_factory.mktemp("zoo"))
