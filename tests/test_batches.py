"""What a batch makes of its specs, of being asked to stop, and of what it knows beforehand."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner import batch
from runner.batch import Wishes, foresee_batch, run_batch
from runner.errors import ArgumentError, EnvironmentUnusableError, ExitCode, InterruptedRunError
from runner.pipeline import Answer, Places
from runner.report.plan import Outlook
from runner.spec.expand import read_spec
from runner.spec.model import Spec
from runner.store.batches import BatchStore
from tests.results import quickstart
from tests.spec.conftest import SMALLEST
from tests.steps.test_queueing import outlook

pytestmark = pytest.mark.fast

WISHES = Wishes(command="retime batch one.yaml two.yaml")


class Night:
    """Specs in a folder, and a bench that only pretends."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places = Places(root / "runs", root / "cache")
        self.root = root
        self.asked: list[str] = []
        self.foresee: Callable[[Spec], Outlook] = lambda _: outlook()
        self.answer: Callable[[Spec], Any] = lambda _: quickstart()
        self.given: list[dict[str, Any]] = []
        monkeypatch.setattr(batch, "foresee_bench", lambda spec, _: self.foresee(spec))
        monkeypatch.setattr(batch, "answer", self._answer)
        for name in ("one", "two"):
            text = SMALLEST.replace("name: sample", f"name: {name}")
            (root / f"{name}.yaml").write_text(text)

    def _answer(self, spec: Spec, *_: object, **given: Any) -> Answer:
        self.asked.append(spec.name)
        self.given.append(given)
        return Answer(self.answer(spec), self.root / "nowhere", is_new=True)

    def specs(self, folder: Path) -> list[Spec]:
        return [read_spec(folder / f"{name}.yaml") for name in ("one", "two")]

    def run(self, folder: Path | None = None) -> ExitCode:
        self.said = io.StringIO()
        console = Console(file=self.said, width=200)
        return run_batch(self.specs(folder or self.root), self.places, console, WISHES)

    def events(self) -> list[dict[str, Any]]:
        (folder,) = (self.root / "runs" / "_batches").glob("[0-9]*")
        found = BatchStore(self.places.runs).latest()
        assert found is not None
        assert found.folder == folder
        return list(found.journal.events())


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    return Night(tmp_path, monkeypatch)


def test_whoever_stops_a_batch_before_its_first_turn_is_told_how_it_goes_on(night: Night) -> None:
    def stop(_: Spec) -> Outlook:
        raise KeyboardInterrupt

    night.foresee = stop
    with pytest.raises(InterruptedRunError) as stopped:
        night.run()
    assert WISHES.command in stopped.value.remedy
    assert night.events()[-1]["reason"] == "interrupted"
    assert (Path(stopped.value.where) / "summary.md").exists()
    night.foresee = lambda _: outlook()
    assert night.run() is ExitCode.DONE
    assert night.asked == ["one", "two"]


def test_a_batch_goes_on_from_another_folder_and_repeats_nothing(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_two(spec: Spec) -> Any:
        if spec.name == "two":
            raise KeyboardInterrupt
        return quickstart()

    night.answer = stop_at_two
    with pytest.raises(InterruptedRunError):
        night.run()
    assert night.events()[-2]["status"] == "interrupted"
    night.answer = lambda _: quickstart()
    monkeypatch.chdir(night.root)
    assert night.run(Path()) is ExitCode.DONE
    assert night.asked == ["one", "two", "two"]
    assert "2 of 2 questions answered" in night.said.getvalue()


def test_what_one_spec_could_not_get_is_known_to_all(night: Night) -> None:
    night.run()
    first, second = (given["failures"] for given in night.given)
    assert first is second is not None


def test_what_is_known_to_fail_is_said_before_the_first_turn_and_where_nothing_runs(
    night: Night,
) -> None:
    def foresee(spec: Spec) -> Outlook:
        if spec.name == "two":
            raise EnvironmentUnusableError("no library", remedy="install one")
        assert spec.name not in night.asked
        return outlook()

    night.foresee = foresee
    night.run()
    text = night.said.getvalue()
    assert text.index("two will fail: no library; install one") < text.rindex("Batch 2")
    page = io.StringIO()
    foresee_batch(night.specs(night.root), night.places, Console(file=page, width=200), WISHES)
    assert "two will fail: no library; install one" in page.getvalue()
    assert "unknown" in page.getvalue()


def test_a_batch_says_what_it_does_before_it_has_anything_to_say(night: Night) -> None:
    """Files that specs name may take minutes to read."""
    seen: list[str] = []

    def foresee(_: Spec) -> Outlook:
        seen.append(night.said.getvalue())
        return outlook()

    night.foresee = foresee
    night.run()
    assert "reading what specs name: started" in seen[0]
    assert "reading what specs name: 2 specs" in night.said.getvalue()


def test_what_the_machine_lacked_is_tried_again_when_the_same_batch_goes_on(night: Night) -> None:
    """A batch that is not over: its other spec was stopped."""

    def lack(spec: Spec) -> Any:
        if spec.name == "two":
            raise KeyboardInterrupt
        raise EnvironmentUnusableError("no space left on the device")

    night.answer = lack
    with pytest.raises(InterruptedRunError):
        night.run()
    night.answer = lambda _: quickstart()
    assert night.run() is ExitCode.DONE
    assert night.asked == ["one", "two", "one", "two"]
    assert "2 of 2 questions answered" in night.said.getvalue()


def test_what_failed_for_good_is_not_tried_again_when_the_same_batch_goes_on(night: Night) -> None:
    def refuse(spec: Spec) -> Any:
        if spec.name == "two":
            raise KeyboardInterrupt
        raise ArgumentError("this version can't do that")

    night.answer = refuse
    with pytest.raises(InterruptedRunError):
        night.run()
    night.answer = lambda _: quickstart()
    night.run()
    assert night.asked == ["one", "two", "two"]


def test_a_spec_whose_machine_was_never_quiet_is_disturbed_and_no_answer(night: Night) -> None:
    def without_quiet(spec: Spec) -> Any:
        result = quickstart()
        result["blocks"]["stopped"] = "disturbed" if spec.name == "one" else "precise"
        return result

    night.answer = without_quiet
    assert night.run() is ExitCode.UNUSABLE_ENVIRONMENT
    ended = {e["name"]: e["status"] for e in night.events() if e["event"] == "spec_ended"}
    assert ended == {"one": "disturbed", "two": "answered"}
    # All had their turns: the batch is over, and a new one goes on with what was disturbed.
    assert night.events()[-1]["reason"] == "done"
    assert "1 of 2 questions answered, 1 disturbed" in night.said.getvalue()
