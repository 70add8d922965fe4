"""The side commands as a user meets them: help, schema, completion, doctor."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.arguments import SHELLS, make_parser

pytestmark = pytest.mark.fast

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    *("init", "validate", "plan", "bench", "compare-models", "report"),
    *("compare", "runs", "cache", "batch", "watch", "status", "summary"),
    *("doctor", "schema", "completion"),
)
HEAVY = {"rich", "numpy", "scipy", "jsonschema", "cffi", "tensorflow", "keras"}


def retime(
    *arguments: str, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def complete(script: str, words: list[str], cwd: Path) -> list[str]:
    """What real bash offers when Tab is pressed after these words."""
    program = (
        'eval "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; '
        "COMP_POINT=${#COMP_LINE}; function=$(complete -p retime); function=${function#*-F }; "
        '${function%% *} retime "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; '
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program, "bash", script, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def bash_script() -> str:
    done = retime("completion", "bash")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["va"], {"validate"}),
        (["d"], {"doctor"}),
        ([""], set(COMMANDS)),
        (["schema", "r"], {"result"}),
        (["doctor", "--f"], {"--format"}),
        (["doctor", "--format", ""], {"text", "json"}),
        (["completion", "z"], {"zsh"}),
        (["bench", "ny"], {"nyquist.yaml"}),
        (["validate", "ny"], {"nyquist.yaml"}),
        (["plan", "ny"], {"nyquist.yaml"}),
        (["report", "ru"], {"runs"}),
        (["ru"], {"runs"}),
        (["compare", "runs", "ru"], {"runs"}),
        (["runs", "--status", "b"], {"broken"}),
        (["cache", "v"], {"verify"}),
        (["cache", "prune", "--un"], {"--unused", "--unfinished"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bash_completes_commands_options_choices_and_files(
    bash_script: str, tmp_path: Path, typed: list[str], offered: set[str]
) -> None:
    (tmp_path / "nyquist.yaml").touch()
    (tmp_path / "rubbish.yaml").touch()
    (tmp_path / "runs").mkdir()
    assert set(complete(bash_script, ["retime", *typed], tmp_path)) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_reads_its_script_where_it_is_installed(shell: str) -> None:
    done = retime("completion", shell)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert command in done.stdout
    if path := shutil.which(shell):
        checked = subprocess.run(
            [path, "-n"], input=done.stdout, capture_output=True, text=True, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("command", [*COMMANDS, "cache verify", "cache prune"])
def test_the_help_of_every_command_teaches_by_examples_that_parse(command: str) -> None:
    done = retime(*command.split(), "--help", environment={"COLUMNS": "80"})
    assert done.returncode == 0
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    _, _, examples = done.stdout.partition("examples:\n")
    lines = [line.strip() for line in examples.splitlines()]
    assert len(lines) >= 2
    for line in lines:
        call, _, _ = line.partition("   ")
        for part in call.split("&&"):
            plain = part.replace('eval "$(', "").replace(')"', "").partition(">")[0]
            words = shlex.split(plain)
            assert words[0] == "retime"
            make_parser().parse_args(words[1:])


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["doctor", "--help"], ["schema"], ["schema", "--where"], ["completion", "bash"]],
    ids=" ".join,
)
def test_what_only_prints_a_text_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom runner.cli import run\n"
        "try:\n    run(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write(' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    loaded = set(done.stderr.split())
    assert "runner" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("which", ["spec", "result"])
def test_schema_prints_the_schema_and_where_it_is(which: str, tmp_path: Path) -> None:
    printed = retime("schema", which, cwd=tmp_path)
    where = retime("schema", which, "--where", cwd=tmp_path)
    file = Path(where.stdout.removesuffix("\n"))
    assert file.is_absolute()
    assert printed.stdout == file.read_text()
    assert json.loads(printed.stdout)["title"] == f"Retime {which}"


def test_schema_prints_that_of_specs_unless_told_otherwise() -> None:
    assert retime("schema").stdout == (ROOT / "schemas" / "spec.schema.json").read_text()


@pytest.mark.parametrize("arguments", [["schema"], ["doctor"]], ids=" ".join)
def test_a_reader_that_has_gone_away_is_no_error(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "runner", *arguments],
            cwd=ROOT,
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    # Doctor ends with 4 where it runs on a machine that can't measure.
    assert done.returncode in {0, 4}
    assert done.stderr == ""


def test_doctor_ends_with_its_verdict_and_says_the_same_in_both_formats(tmp_path: Path) -> None:
    page = retime("doctor", cwd=tmp_path)
    record = json.loads(retime("doctor", "--format", "json", cwd=tmp_path).stdout)
    assert page.returncode == (0 if record["fit"] else 4)
    assert page.stdout.startswith("This machine ")
    for finding in record["findings"]:
        assert finding["name"] in page.stdout
    assert "Traceback" not in page.stderr
    assert list(tmp_path.iterdir()) == []


def test_doctor_ends_with_4_where_timing_is_impossible_and_says_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_text("no library")
    done = retime("doctor", cwd=tmp_path, environment={"RETIME_TFLITE_LIBRARY": str(broken)})
    assert done.returncode == 4
    assert done.stdout.startswith("This machine can't measure yet")
    assert "broken.so" in done.stdout
    assert "do:" in done.stdout


def test_words_that_are_no_command_are_an_error_of_the_arguments() -> None:
    for wrong in (["bensh"], ["schema", "runs"], ["completion", "fish"], []):
        assert retime(*wrong).returncode == 2


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert f"`retime {command}" in readme


@pytest.mark.parametrize("command", [["schema"], ["doctor"], ["plan", "specs/quickstart.yaml"]])
def test_an_output_that_is_on_a_full_disk_changes_nothing_but_what_is_read(
    command: list[str],
) -> None:
    usual = retime(*command)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "runner", *command],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (usual.returncode, "")


def test_an_error_that_nobody_can_read_has_its_exit_code() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "runner", "bench", "nowhere.yaml"],
            cwd=ROOT,
            stdout=full,
            stderr=full,
            check=False,
        )
    assert done.returncode == 2
