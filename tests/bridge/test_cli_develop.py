"""The development tasks: what counts as a failure, and that set-up is quick when nothing changed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "bridge" / "scripts"

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.a" name="fine" />
<testcase classname="tests.a" name="wrong"><failure message="no" /></testcase>
<testcase classname="tests.b" name="fixture"><error message="no" /></testcase>
<testcase classname="tests.b" name="lacking"><skipped message="tmux is not installed" /></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def develop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module; it stands outside of every package."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    for name in ("develop", "environments", "node"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import develop

    module: ModuleType = develop
    return module


def test_a_test_run_is_counted_from_its_own_record(develop: ModuleType, tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(JUNIT)
    counts = develop.read_junit(results)
    assert (counts.passed, counts.failed) == (1, 2)
    assert counts.skipped == ("tests.b: tmux is not installed",)


@pytest.mark.parametrize(("strict", "ok"), [(False, True), (True, False)])
def test_a_skip_is_told_and_fails_in_ci_only(
    develop: ModuleType, strict: bool, ok: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    report = develop.Report(strict=strict)
    report.add(develop.Step("tests", True, 1.0, develop.Counts(passed=3)))
    report.skip("extension: tests", "needs node 20 or newer, with npm")
    report.show()
    assert report.ok is ok
    said = capsys.readouterr().out
    assert "SKIPPED  extension: tests: needs node 20 or newer, with npm" in said
    assert "3 passed, 0 failed, 1 skipped" in said


def test_one_failed_step_fails_the_target(develop: ModuleType) -> None:
    report = develop.Report(strict=False)
    report.add(develop.Step("ruff check", True, 0.1))
    report.add(develop.Step("mypy", False, 0.1))
    assert not report.ok


def test_environment_is_current_until_what_it_wants_changes(
    develop: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments = sys.modules["environments"]
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    wanted = tmp_path / "tools.txt"
    wanted.write_text("pytest>=8\n")
    environment = environments.Environment(tmp_path / "env", ("tools",))
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    installed: list[list[str]] = []
    recorder = ModuleType("installer")
    recorder.install = lambda python, arguments: installed.append(arguments)  # type: ignore[attr-defined]
    assert not environments.is_current(environment)
    environments._make(environment, recorder)
    assert installed == [["--requirement", str(wanted)]]
    assert environments.is_current(environment)
    wanted.write_text("pytest>=9\n")
    assert not environments.is_current(environment)
