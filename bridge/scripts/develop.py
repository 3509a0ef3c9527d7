"""Every development task: `python bridge/scripts/develop.py setup|test|test-fast|check|bench|demo|spyder|vscode|vsix`.

The Makefile only calls this, so that Windows users have the same. What a machine lacks is skipped and named in the
closing summary; with `CI=true` a skip is a failure. Standard library only; any Python that cokernel supports.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import node
from environments import DEVELOPMENT, KERNELS, ROOT, SPYDER_APP, Environment, ensure, is_current

MINIMUM_PYTHON = (3, 10)


@dataclass(frozen=True)
class Counts:
    """What a test run said of its tests."""

    passed: int = 0
    failed: int = 0
    skipped: tuple[str, ...] = ()
    """`module: reason` for each."""


@dataclass(frozen=True)
class Step:
    """One command of a target, after it ran."""

    name: str
    ok: bool
    seconds: float
    counts: Counts = Counts()
    note: str = ""


@dataclass
class Report:
    """The steps of one target and what they come to."""

    strict: bool
    """A skip is a failure."""
    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> None:
        self.steps.append(step)

    def skip(self, name: str, reason: str) -> None:
        self.add(Step(name, True, 0.0, Counts(skipped=(f"{name}: {reason}",))))

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps) and not (self.strict and self._skipped)

    @property
    def _skipped(self) -> list[str]:
        return [reason for step in self.steps for reason in step.counts.skipped]

    def show(self) -> None:
        print("\n" + "-" * 72)
        for reason, times in Counter(self._skipped).items():
            print(f"SKIPPED  {reason}" + (f"  ({times} times)" if times > 1 else ""))
        for step in self.steps:
            print(
                f"{'ok    ' if step.ok else 'FAILED'}  {step.name:32} {step.seconds:7.1f} s  {step.note}"
            )
        if self.strict and self._skipped:
            print("CI=true: a skip is a failure.")
        passed = sum(step.counts.passed for step in self.steps)
        failed = sum(step.counts.failed for step in self.steps)
        if passed or failed:
            print(f"{passed} passed, {failed} failed, {len(self._skipped)} skipped")


# ---- targets


def setup(report: Report) -> None:
    """.venv with cokernel, and an environment for each sort of kernel."""
    ensure((DEVELOPMENT, *KERNELS))
    report.add(run("cokernel", [str(DEVELOPMENT.tool("cokernel")), "--version"]))


def test(report: Report) -> None:
    """Everything."""
    ensure((DEVELOPMENT, *KERNELS, SPYDER_APP))
    report.add(run_pytest("tests", DEVELOPMENT, ["tests", "--ignore=tests/spyder"]))
    report.add(run_pytest("tests, Spyder", SPYDER_APP, ["tests/spyder"]))
    # What a machine lacks for a real VS Code, `npm test` says itself; with CI=true it fails then.
    _node_step(report, "extension: tests", ["npm", "test"])


def test_fast(report: Report) -> None:
    """What needs no kernel and no window: seconds."""
    ensure((DEVELOPMENT,))
    arguments = ["tests", "--ignore=tests/spyder", "-m", "not live and not slow"]
    report.add(run_pytest("tests, fast", DEVELOPMENT, arguments))
    if is_current(SPYDER_APP):
        report.add(
            run_pytest("tests, Spyder, fast", SPYDER_APP, ["tests/spyder", "-m", "not slow"])
        )
    if node.is_current():
        _node_step(report, "extension: fast tests", ["npm", "run", "test:unit"])


def check(report: Report) -> None:
    """Lint, format and types, in Python and TypeScript."""
    ensure((DEVELOPMENT, SPYDER_APP))
    ruff, mypy = str(DEVELOPMENT.tool("ruff")), str(DEVELOPMENT.tool("mypy"))
    report.add(run("ruff check", [ruff, "check"]))
    report.add(run("ruff format", [ruff, "format", "--check"]))
    report.add(run("mypy: cokernel", [mypy]))
    report.add(run("mypy: scripts", [mypy, "bridge/scripts"]))
    # PyQt5's stubs are in that environment only.
    report.add(run("mypy: Spyder plugin", [str(SPYDER_APP.tool("mypy")), "spyder_mcp"]))
    _node_step(report, "extension: check", ["npm", "run", "check"])


def bench(report: Report) -> None:
    """The side-by-side benchmarks."""
    ensure((DEVELOPMENT, *KERNELS))
    report.add(run("benchmarks", [str(DEVELOPMENT.python), "bridge/benchmarks"]))
    if is_current(SPYDER_APP):
        startup = "bridge/benchmarks/spyder_startup.py"
        report.add(run("benchmarks: Spyder's start", [str(SPYDER_APP.python), startup]))


def demo(report: Report) -> None:
    """A kernel, a share and an agent's calls, as a transcript."""
    ensure((DEVELOPMENT,))
    report.add(run("demo", [str(DEVELOPMENT.python), "bridge/scripts/demo.py"]))


def spyder(report: Report) -> None:
    """Spyder with the plugin from this tree."""
    ensure((SPYDER_APP,))
    # A configuration of its own: the person's Spyder stays as it is.
    settings = str(ROOT / ".cache" / "spyder")
    command = [str(SPYDER_APP.tool("spyder")), "--new-instance", "--conf-dir", settings]
    report.add(run("spyder", command))


def vscode(report: Report) -> None:
    """VS Code with the extension from this tree."""
    _node_step(report, "vscode", ["npm", "run", "vscode"])


def vsix(report: Report) -> None:
    """The extension as one file to install."""
    ensure((DEVELOPMENT,))
    _node_step(report, "vsix", ["npm", "run", "package"])


TARGETS: Mapping[str, Callable[[Report], None]] = {
    "setup": setup,
    "test": test,
    "test-fast": test_fast,
    "check": check,
    "bench": bench,
    "demo": demo,
    "spyder": spyder,
    "vscode": vscode,
    "vsix": vsix,
}


# ---- steps


def run(name: str, command: Sequence[str], extra_env: Mapping[str, str] | None = None) -> Step:
    """Run a command in the root; its output goes straight through."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(extra_env or {})}, check=False)
    note = "" if done.returncode == 0 else f"exit code {done.returncode}"
    return Step(name, done.returncode == 0, time.monotonic() - began, note=note)


def run_pytest(
    name: str,
    environment: Environment,
    arguments: Sequence[str],
    extra_env: Mapping[str, str] | None = None,
) -> Step:
    """Run pytest and count its tests; a run without any test has failed."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [str(environment.python), "-m", "pytest", f"--junitxml={results}", *arguments]
        step = run(name, command, extra_env)
        counts = read_junit(results) if results.exists() else Counts()
    note = step.note or f"{counts.passed} passed"
    return Step(name, step.ok, step.seconds, counts, note)


def read_junit(results: Path) -> Counts:
    """Counts of a JUnit file, whoever wrote it."""
    passed = failed = 0
    skipped: list[str] = []
    for case in ElementTree.parse(results).iter("testcase"):
        skip = case.find("skipped")
        if skip is not None:
            skipped.append(f"{case.get('classname', '')}: {skip.get('message', '')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return Counts(passed, failed, tuple(skipped))


def _node_step(report: Report, name: str, command: Sequence[str]) -> None:
    lacking = node.lacking()
    if lacking:
        report.skip(name, lacking)
        return
    node.ensure()
    # Its tests start a real bridge; its package holds our wheel.
    extra_env = {"COKERNEL_TEST_PYTHON": str(DEVELOPMENT.python)}
    report.add(run(name, node.command(command), extra_env))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="develop.py",
        description="Cokernel's development tasks.",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    lines = "\n".join(f"{name:10} {target.__doc__}" for name, target in TARGETS.items())
    parser.add_argument("target", choices=TARGETS, metavar="TARGET", help=lines)
    target = parser.parse_args(argv).target
    if sys.version_info < MINIMUM_PYTHON:
        print(
            "develop.py: Python 3.10 or newer is needed; name one: make PYTHON=python3.12 …",
            file=sys.stderr,
        )
        return 2
    report = Report(strict=os.environ.get("CI") == "true")
    try:
        TARGETS[target](report)
    except subprocess.CalledProcessError as error:
        report.add(
            Step(
                f"{target}: set-up",
                False,
                0.0,
                note=f"{error.cmd[0]}: exit code {error.returncode}",
            )
        )
    except KeyboardInterrupt:
        return 130
    if report.steps:
        report.show()
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
