from __future__ import annotations

import ast
import errno
import subprocess
import sys
from pathlib import Path

import pytest

import runner.build
from runner.build.failures import StageFailure, explain

pytestmark = pytest.mark.fast


class ResourceExhaustedError(Exception):
    """Has the name of TensorFlow's."""


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "here/x.npy"), "no_space", "here/x.npy"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no_space", "quota"),
        (OSError("Can't write data (errno = 28, error message = '...')"), "no_space", "errno"),
        (MemoryError("Unable to allocate 9 GiB"), "out_of_memory", "9 GiB"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory", "allocate"),
        (OSError(errno.EMFILE, "Too many open files"), "unavailable", "Too many"),
        (ResourceExhaustedError("OOM when allocating tensor"), "out_of_memory", "OOM"),
        (StageFailure("nan_loss", "the loss became NaN"), "nan_loss", "NaN"),
        (ModuleNotFoundError("No module named 'PIL'", name="PIL"), "missing_package", "PIL"),
        (ModuleNotFoundError("No module named 'runner.x'", name="runner.x"), "exception", "x"),
        (ValueError("a shape is wrong"), "exception", "ValueError: a shape is wrong"),
    ],
)
def test_an_exception_is_told_apart_by_what_can_be_done(
    error: Exception, kind: str, words: str
) -> None:
    failure = explain(error)
    assert failure.kind == kind
    assert words in failure.what + failure.why


@pytest.mark.parametrize(
    ("error", "package", "remedy"),
    [
        (ModuleNotFoundError("No module named 'PIL'", name="PIL"), "PIL", "retime[train]"),
        (ModuleNotFoundError("No module named 'keras.x'", name="keras.x"), "keras", "[train]"),
        (ModuleNotFoundError("No module named 'tf_keras'"), "tf_keras", "retime[compress]"),
        (ModuleNotFoundError("No module named importlib_resources.x"), "importlib_r", "[datasets]"),
        (ModuleNotFoundError("No module named 'nobody'"), "nobody", "the log says"),
        (ModuleNotFoundError("what is missing is not said"), "a package is not", "the log says"),
    ],
)
def test_a_missing_package_is_named_and_only_an_extra_that_has_it(
    error: Exception, package: str, remedy: str
) -> None:
    failure = explain(error)
    assert failure.kind == "missing_package"
    assert package in failure.what
    assert remedy in failure.remedy
    assert "None" not in failure.what + failure.remedy
    assert "retime[" in failure.remedy or "[" not in remedy


def test_every_failure_of_a_stage_says_what_to_do() -> None:
    silent = [
        f"{path.name}:{call.lineno}"
        for path in sorted(Path(runner.build.__file__).parent.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "StageFailure"
        if "remedy" not in {keyword.arg for keyword in call.keywords}
    ]
    assert silent == []


def test_the_cause_inside_a_librarys_exception_counts() -> None:
    error = RuntimeError("could not save")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert explain(error).kind == "no_space"


def test_a_long_message_is_cut_and_holds_no_traceback() -> None:
    failure = explain(ValueError("first\n" + "x" * 100_000 + "\nlast"))
    assert failure.what == "ValueError: first"
    assert len(failure.why) < 2_000


@pytest.mark.parametrize(
    "stand_in", ["None", "type('Broken', (), {'__getattr__': lambda *_: 1 / 0})()"]
)
def test_a_missing_tensorflow_names_the_extra(stand_in: str) -> None:
    code = f"""
import sys
sys.modules["keras"] = {stand_in}
sys.modules["tensorflow"] = None
from runner.build.frameworks import start_tensorflow
from runner.build.failures import StageFailure
try:
    start_tensorflow(1)
except StageFailure as failure:
    print(failure.as_record())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "missing_package" in done.stdout
    assert "retime[train]" in done.stdout


def test_the_parents_side_imports_no_tensorflow() -> None:
    code = """
import sys
import runner.build.executor, runner.build.fake, runner.build.data, runner.build.worker
print([name for name in ("tensorflow", "keras", "h5py") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_pillow_names_the_extra() -> None:
    code = """
import sys
sys.modules["PIL"] = None
from runner.build.failures import explain
try:
    import runner.build.data
except ImportError as error:
    failure = explain(error)
    print(failure.kind, failure.what, failure.remedy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "missing_package"
    assert "PIL" in done.stdout
    assert "pip install 'retime[train]'" in done.stdout
