"""What a model file from elsewhere may hold: layers and weights, and nothing that runs code."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from runner.build.failures import StageFailure, excerpt

# Objects of Keras's own modules only: naming any other would import it.
_MODULES = re.compile(
    r"(keras|tf_keras|keras_core)(\..*)?|builtins|tensorflow\.(python\.)?keras\..*"
)
# Layers of Keras that hold code, or open another file.
_CODE = ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
# Operators that reach out of the graph: to Python, files or the network. Matched as prefixes.
_REACHING_OUT = (
    "PyFunc", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles", "DebugIdentity", "Rpc",
    "PrintV2", "Print", "SaveV2", "SaveSlices", "Save", "RestoreV2", "RestoreSlice", "Restore",
    "MergeV2Checkpoints", "TextLineReader", "TFRecordReader", "FixedLengthRecordReader",
    "WholeFileReader", "TextLineDataset", "TFRecordDataset", "FixedLengthRecordDataset",
    "GeneratorDataset", "SqlDataset", "SaveDataset", "LoadDataset", "SnapshotDataset",
    "InitializeTableFromTextFile", "LMDB", "XlaLaunch", "CustomCall", "WriteSummary",
    "CreateSummaryFileWriter", "CreateSummaryDbWriter", "WriteImageSummary", "WriteGraphSummary",
    "LoadAndRemapMatrix", "GenerateVocabRemapping",
)  # fmt: skip
# A SavedModel's own functions that load and store its variables; only the loader calls them.
_SAVER = re.compile(r"__inference__traced_(save|restore)_\d+")
_SAVER_OPERATORS = {"SaveV2", "RestoreV2", "MergeV2Checkpoints"}


def check_keras_file(path: Path) -> None:
    """Refuses a .keras or .h5 file that holds code or objects from outside Keras.

    Keras's safe mode refuses some of it too; this check does not depend on the version of Keras
    and looks at older files alike.

    Raises:
        StageFailure: it is refused, or is no model file.
    """
    for entry in _mappings(_architecture(path)):
        name, module = entry.get("class_name"), entry.get("module")
        if name in _CODE:
            kind = "Lambda" if name == "__lambda__" else name
            raise _refusal(path, f"it has a {kind} layer, which can run any code")
        if isinstance(module, str) and not _MODULES.fullmatch(module):
            raise _refusal(path, f"it needs the code of {name} in {module}")


def check_saved_model(folder: Path) -> None:
    """Refuses a SavedModel whose graph reaches out to Python, files or the network.

    To be called before TensorFlow loads it: loading runs a part of the graph already.

    Raises:
        StageFailure: it is refused, or is no SavedModel.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except Exception as error:
        raise StageFailure(
            "bad_input",
            f"{folder.name} is no SavedModel that TensorFlow reads",
            why=excerpt(error),
            remedy="save it again, or copy all of it anew: model.export('folder')",
        ) from error
    for graph in saved.meta_graphs:
        saver = set()
        for function in graph.graph_def.library.function:
            if _SAVER.fullmatch(function.signature.name):
                saver.add(function.signature.name)
                _check_nodes(folder, function.node_def, _SAVER_OPERATORS)
            else:
                _check_nodes(folder, function.node_def, set())
        _check_nodes(folder, graph.graph_def.node, _SAVER_OPERATORS)
        for function in graph.graph_def.library.function:
            called = {
                attribute.func.name
                for node in function.node_def
                for attribute in node.attr.values()
            }
            if called & saver:
                raise _refusal(folder, "its inference calls the function that writes variables")


def _check_nodes(folder: Path, nodes: Any, allowed: set[str]) -> None:
    for node in nodes:
        if node.op.startswith(_REACHING_OUT) and node.op not in allowed:
            raise _refusal(
                folder,
                f"its graph has the operator {node.op} ({node.name}), which reaches out of it",
            )


def _architecture(path: Path) -> Any:
    """What a file says of its layers; how it was trained is never read."""
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                found = json.loads(archive.read("config.json"))
        else:
            with h5py.File(path, "r") as file:
                found = json.loads(file.attrs["model_config"])
    except Exception as error:
        weights = isinstance(error, KeyError) and path.suffix != ".keras"
        raise StageFailure(
            "bad_input",
            f"{path.name} holds no model that Keras reads",
            why="it holds weights only" if weights else excerpt(error),
            remedy="save the whole model: model.save('model.keras')",
        ) from error
    found.pop("compile_config", None)
    return found


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _mappings(inner)


def _refusal(path: Path, why: str) -> StageFailure:
    return StageFailure(
        "refused",
        f"the model {path.name} is not loaded: a model file must not run code",
        why=why,
        remedy="rebuild the model with layers of Keras alone and save it again; or convert it "
        "where you trust it, and name the .tflite file",
    )
