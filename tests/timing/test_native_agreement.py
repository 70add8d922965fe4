"""What the harness computes is what TensorFlow's own interpreter computes from the same file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.timing import native
from runner.timing.libraries import find_library
from runner.timing.records import RuntimeOptions
from runner.timing.session import Session
from tests.timing.zoo import QUANTIZED, Animal

KINDS = ("tflite", "litert")
DELEGATES = ("none", "xnnpack")
# What a float model may differ by. Dynamic quantization rounds activations, and each version does
# it in its own way.
TOLERANCE = {"dynamic": 0.02, "int16x8": 1e-3, "float16": 1e-3, "int8_float_io": 0.0}


@pytest.fixture(scope="module")
def libraries() -> Iterator[dict[str, native.Library]]:
    opened = {kind: native.Library.open(find_library(kind, None).path) for kind in KINDS}
    yield opened
    for library in opened.values():
        library.close()


def open_session(
    library: native.Library, animal: Animal, delegate: str, options: RuntimeOptions | None = None
) -> Session:
    model = native.place(animal.path.read_bytes(), 128)
    return library.session(model, delegate=delegate, threads=1, count_nodes=True, options=options)


def outputs_of(session: Session, animal: Animal) -> list[np.ndarray]:  # type: ignore[type-arg]
    """All outputs for all sets, each of shape (sets, *the output's shape)."""
    session.warm_up(1, 0)
    sets = animal.sets([tensor.name for tensor in session.inputs])
    count = len(sets) // session.input_size
    given = np.frombuffer(session.map(sets, count), np.uint8).reshape(count, -1)
    outputs, place = [], 0
    for tensor in session.outputs:
        part = np.ascontiguousarray(given[:, place : place + tensor.byte_size])
        outputs.append(part.view(tensor.type_name).reshape(count, *tensor.shape))
        place += tensor.byte_size
    return outputs


def expect_agreement(
    session: Session, animal: Animal, delegate: str, tolerance: float = 1e-5
) -> None:
    expected = {one.shape: one for one in animal.outputs[delegate]}
    given = outputs_of(session, animal)
    assert len(given) == len(expected)
    for one in given:
        wanted = expected[one.shape]
        if one.dtype == np.int8:
            np.testing.assert_array_equal(one, wanted)
        else:
            np.testing.assert_allclose(one, wanted, atol=tolerance, rtol=0)
        assert np.ptp(one.astype(float)) > 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delegate", DELEGATES)
@pytest.mark.parametrize("name", QUANTIZED)
def test_every_quantization_gives_tensorflows_outputs(
    libraries: dict[str, native.Library],
    zoo: dict[str, Animal],
    name: str,
    delegate: str,
    kind: str,
) -> None:
    with open_session(libraries[kind], zoo[name], delegate) as session:
        expect_agreement(session, zoo[name], delegate, TOLERANCE.get(name, 1e-5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delegate", DELEGATES)
@pytest.mark.parametrize("name", ["pair", "loop"])
def test_several_inputs_and_outputs_and_control_flow_give_tensorflows_outputs(
    libraries: dict[str, native.Library],
    zoo: dict[str, Animal],
    name: str,
    delegate: str,
    kind: str,
) -> None:
    with open_session(libraries[kind], zoo[name], delegate) as session:
        assert len(session.inputs) == len(zoo[name].inputs)
        expect_agreement(session, zoo[name], delegate)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delegate", DELEGATES)
def test_a_resized_input_gives_as_many_rows(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], delegate: str, kind: str
) -> None:
    resized = RuntimeOptions(shapes={0: (3, 8)})
    animal = zoo["dynamic_batch"]
    with open_session(libraries[kind], animal, delegate, resized) as session:
        assert session.inputs[0].shape == (3, 8)
        assert session.outputs[0].shape == (3, 3)
        expect_agreement(session, animal, delegate)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["double", "triple"])
def test_each_signature_of_a_model_runs_by_its_name(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], name: str, kind: str
) -> None:
    options = RuntimeOptions(call="signature", signature=name)
    with open_session(libraries[kind], zoo[name], "xnnpack", options) as session:
        assert session.call == "signature"
        assert sorted(session.signatures) == ["double", "triple"]
        expect_agreement(session, zoo[name], "xnnpack")


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_that_is_not_there_is_named(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], kind: str
) -> None:
    options = RuntimeOptions(call="signature", signature="quadruple")
    with pytest.raises(native.HarnessError) as caught:
        open_session(libraries[kind], zoo["double"], "none", options)
    assert "quadruple" in caught.value.why


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["float32", "int8"])
def test_the_delegate_takes_the_network(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], name: str, kind: str
) -> None:
    with open_session(libraries[kind], zoo[name], "xnnpack") as session:
        assert session.nodes.nodes is not None
        assert session.nodes.delegated is not None
        assert 0 < session.nodes.delegated <= session.nodes.nodes
        assert session.nodes.partitions
    with open_session(libraries[kind], zoo[name], "none") as session:
        assert (session.nodes.delegated, session.nodes.partitions) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delegate", DELEGATES)
def test_a_profile_names_every_operation_and_adds_up(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], delegate: str, kind: str
) -> None:
    model = native.place(zoo["float32"].path.read_bytes(), 0)
    with libraries[kind].session(model, delegate=delegate, threads=1, profile=True) as session:
        profile = session.profile(30)
    names = " ".join(one.name.lower() for one in profile.operations)
    for part in ("conv", "softmax"):
        assert part in names
    assert profile.dropped == 0
    assert all(one.calls == 30 for one in profile.operations)
    assert all((one.partition is None) == (delegate == "none") for one in profile.operations)
    assert 0 <= profile.unattributed_ns <= profile.total_ns
    assert (profile.arena_bytes is None) == (kind == "litert")


def test_operations_in_a_loop_are_inside_it(
    libraries: dict[str, native.Library], zoo: dict[str, Animal]
) -> None:
    model = native.place(zoo["loop"].path.read_bytes(), 0)
    with libraries["tflite"].session(model, delegate="none", threads=1, profile=True) as session:
        operations = session.profile(10).operations
    loop = next(index for index, one in enumerate(operations) if one.name == "WHILE")
    inside = [one for one in operations if one.parent == loop]
    assert {one.subgraph for one in inside} == {1, 2}
    assert sum(one.total_ns for one in inside) <= operations[loop].total_ns


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_a_thousand_inferences_give_one_output(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], name: str
) -> None:
    image = zoo[name].inputs["image"][0].tobytes()
    model = zoo[name].path.read_bytes()
    for delegate in DELEGATES:
        with libraries["tflite"].session(model, delegate=delegate, threads=1) as session:
            session.write(0, image)
            session.warm_up(1, 0)
            first = session.read(0)
            session.warm_up(1000, 0)
            assert session.read(0) == first
            assert bytes(session.map(image, 1)) == first


@pytest.mark.parametrize(("kind", "cache"), [("tflite", "memory"), ("litert", "file")])
def test_a_weight_cache_changes_no_output(
    libraries: dict[str, native.Library],
    zoo: dict[str, Animal],
    kind: str,
    cache: str,
    tmp_path: Path,
) -> None:
    file = tmp_path / "weights"
    options = RuntimeOptions(weight_cache=str(file) if cache == "file" else cache)
    for _ in range(2):
        with open_session(libraries[kind], zoo["float32"], "xnnpack", options) as session:
            expect_agreement(session, zoo["float32"], "xnnpack")
    assert file.exists() == (cache == "file")


def test_the_flag_for_half_precision_is_taken_or_refused_by_name(
    libraries: dict[str, native.Library], zoo: dict[str, Animal]
) -> None:
    for kind in KINDS:
        with pytest.raises(native.HarnessError) as caught:
            open_session(
                libraries[kind], zoo["float32"], "xnnpack", RuntimeOptions(flags="force_fp17")
            )
        assert "force_fp16" in caught.value.why


@pytest.mark.parametrize("kind", KINDS)
def test_a_flag_that_turns_int8_off_leaves_it_to_the_built_in_kernels(
    libraries: dict[str, native.Library], zoo: dict[str, Animal], kind: str
) -> None:
    options = RuntimeOptions(flags="no_qs8 no_qu8")
    with open_session(libraries[kind], zoo["int8"], "xnnpack", options) as session:
        assert session.nodes.delegated == 0
