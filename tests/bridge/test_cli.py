"""The command line as a shell sees it: what is said where, and the exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cokernel import cli


def cokernel(
    *arguments: str, state: Path, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    """Run the real command with a state folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cokernel", *arguments],
        env={**os.environ, "COKERNEL_STATE_DIR": str(state)},
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_and_every_exit_code(tmp_path: Path) -> None:
    done = cokernel("--help", state=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(re.search(rf"^  {name} ", done.stdout, re.M) for name in cli.COMMANDS)
    assert "130 Ctrl-C" in done.stdout


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help_of_its_own(name: str, tmp_path: Path) -> None:
    done = cokernel(name, "--help", state=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: cokernel {name}")


def test_version_is_said(tmp_path: Path) -> None:
    assert re.fullmatch(r"cokernel \d+\.\d+\.\d+\n", cokernel("--version", state=tmp_path).stdout)


def test_unknown_command_is_wrong_usage_and_the_nearest_is_named(tmp_path: Path) -> None:
    done = cokernel("shar", state=tmp_path)
    assert done.returncode == 2
    assert "Did you mean `cokernel share`?" in done.stderr


def test_wrong_option_is_wrong_usage(tmp_path: Path) -> None:
    assert cokernel("shares", "--nonsense", state=tmp_path).returncode == 2


def test_errors_are_one_line_on_stderr_without_a_traceback(tmp_path: Path) -> None:
    done = cokernel("share", "--connection-file", "no-such-kernel", state=tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("cokernel: ")
    assert done.stderr.count("\n") == 1


def test_nothing_shared_is_said(tmp_path: Path) -> None:
    assert cokernel("shares", state=tmp_path).stdout.startswith("Nothing is shared.")
    assert cokernel("shares", "--json", state=tmp_path).stdout == "[]\n"


def test_a_reader_that_leaves_causes_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cokernel", "--help"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
def test_without_arguments_a_person_sees_help_and_the_shares(tmp_path: Path) -> None:
    import pty

    terminal, inside = pty.openpty()
    done = cokernel(state=tmp_path, stdin=inside)
    os.close(inside)
    os.close(terminal)
    assert done.returncode == 0
    assert "commands:" in done.stdout
    assert "Nothing is shared." in done.stdout


def test_no_command_imports_more_than_it_needs(tmp_path: Path) -> None:
    assert _modules_after(["shares"]).isdisjoint({"mcp", "textual", "zmq", "asyncio"})


def _modules_after(arguments: Sequence[str]) -> set[str]:
    code = (
        f"import sys; from cokernel import cli; cli.main({list(arguments)!r}); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split("\n")[-2].split())
