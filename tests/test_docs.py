"""What the pages show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.spec.expand import read_spec
from runner.spec.starter import comparison
from tests.bench import Benched

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [content for name, content in fenced if name == language]


@pytest.mark.fast
def test_the_readmes_spec_is_valid_and_has_four_variants(tmp_path: Path) -> None:
    (example,) = blocks("README.md", "yaml")
    path = tmp_path / "dense.yaml"
    path.write_text(example)
    assert len(read_spec(path).variants) == 4


@pytest.mark.fast
def test_the_readmes_error_is_the_one_that_is_shown(tmp_path: Path) -> None:
    (example,) = blocks("README.md", "yaml")
    (shown,) = [block for block in blocks("README.md", "") if "did you mean" in block]
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "dense.yaml").write_text(example.replace("alpha:", "alhpa:"))
    done = subprocess.run(
        [sys.executable, "-m", "runner", "validate", "specs/dense.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert shown.strip() in done.stderr


@pytest.mark.fast
def test_the_guides_specs_are_valid(tmp_path: Path) -> None:
    variants, files, phases, snapshots, shared, board = blocks("docs/specs.md", "yaml")
    for name in ("base.tflite", "retrained.tflite"):
        (tmp_path / name).write_text(name)
    (tmp_path / "board.yaml").write_text(shared)
    counts = []
    for index, example in enumerate((variants, files, phases, snapshots, board)):
        path = tmp_path / f"{index}.yaml"
        path.write_text(example)
        counts.append(len(read_spec(path).variants))
    assert counts == [6, 2, 1, 4, 1]
    spec = read_spec(tmp_path / "4.yaml")
    assert (spec.variants[0].runtime.threads, spec.measure.effect) == (4, pytest.approx(0.05))
    assert spec.measure.max_time_s == 600


@pytest.mark.fast
def test_the_page_of_claims_has_them_all_and_its_spec_is_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w-]+)\]\(../specs/claims/([\w-]+)\.yaml\)", page, re.MULTILINE)
    claims = {path.stem for path in (ROOT / "specs" / "claims").glob("*.yaml")}
    assert {name for name, _ in rows} == claims
    assert all(name == file for name, file in rows)
    (example,) = blocks("docs/claims.md", "yaml")
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    for name in ("daisy", "rose"):
        (tmp_path / "flowers" / name).mkdir(parents=True)
    (tmp_path / "own.yaml").write_text(example)
    spec = read_spec(tmp_path / "own.yaml")
    assert spec.variants[0].data.image_size == (224, 224)
    assert spec.variants[0].data.source.kind == "folder"
    assert spec.measure.max_time_s == 8 * 3600


@pytest.mark.fast
def test_compare_models_is_the_spec_that_the_guide_shows() -> None:
    shown = blocks("docs/specs.md", "yaml")[1]
    assert comparison(["base.tflite", "retrained.tflite"]) == shown


@pytest.mark.fast
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.acceptance
def test_the_script_that_reads_samples_works(benched: Benched) -> None:
    (script,) = blocks("docs/results.md", "python")
    script = script.replace('Path("runs/quickstart")', f'Path("{benched.desk.runs / "small"}")')
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) >= 5
