"""`cokernel share` and `cokernel run` as people and scripts use them, on real kernels."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cokernel.commands.agent import connected
from tests.support.kernels import Kernel, start_kernel
from tests.support.terminal import open_terminal

COKERNEL = (sys.executable, "-m", "cokernel")
DEADLINE_S = 60.0

pytestmark = pytest.mark.live


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """A machine on which only the test's kernels and shares are to be found."""
    named = (
        "COKERNEL_CONNECTION",
        "IPYTHON_MCP_CONNECTION",
        "COKERNEL_SHARE",
        "CLAUDE_PROJECT_DIR",
    )
    elsewhere = dict.fromkeys(("XDG_DATA_HOME", "XDG_RUNTIME_DIR"), str(tmp_path / "none"))
    own = {
        "COKERNEL_STATE_DIR": str(tmp_path / "state"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        **elsewhere,
    }
    return {k: v for k, v in os.environ.items() if k not in named} | own


@pytest.fixture
def shared_kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that `cokernel share` finds."""
    with start_kernel("running", tmp_path / "runtime") as running:
        yield running


def run(
    *arguments: str, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COKERNEL, *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )


@contextlib.contextmanager
def beside(*arguments: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs while the test goes on, and ends with it."""
    process = subprocess.Popen(
        [*COKERNEL, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        process.stdout.close()


class Lines:
    """`cokernel share --no-ui` and what it prints."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    def wait_for(self, event: str, **body: object) -> dict[str, Any]:
        """The next event of this sort with these fields in its body."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            found = self.events[-1].get(event)
            if isinstance(found, dict) and body.items() <= found.items():
                return found
        raise AssertionError(f"it ended before {event} {body}: {self.events}")

    def interrupt(self) -> None:
        """Ctrl-C, and the end of it."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(DEADLINE_S)


@contextlib.contextmanager
def sharing(environment: Mapping[str, str], *arguments: str) -> Iterator[Lines]:
    """A kernel is shared and nobody asked."""
    command = ("share", "--no-ui", "--mode", "free", *arguments)
    with beside(*command, environment=environment) as process:
        lines = Lines(process)
        lines.wait_for("share", state="up")
        yield lines


def records(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    said = run("shares", "--json", environment=environment).stdout
    found: list[dict[str, Any]] = json.loads(said)
    return found


def test_the_only_kernel_is_shared_and_listed_without_its_token(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment, "--title", "my console"):
        (record,) = records(environment)
    assert (record["title"], record["ide"], record["mode"]) == ("my console", "Terminal", "free")
    assert record["kernel_pid"] == shared_kernel.pid
    assert "token" not in record


def test_run_goes_through_the_share_and_its_outcome_is_the_exit_code(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        done = run("run", "print('héllo'); 6 * 7", environment=environment)
        assert (done.returncode, done.stdout) == (0, "héllo\nOut[1]: 42\n")
        assert "· ok ·" in done.stderr
        seen = lines.wait_for("activity", state="ok")
        assert (seen["client"], seen["code"]) == ("cokernel run", "print('héllo'); 6 * 7")

        raised = run("run", "--quiet", "1 / 0", environment=environment)
        assert (raised.returncode, raised.stderr) == (1, "")
        assert "ZeroDivisionError" in raised.stdout

        piped = run("run", "--quiet", environment=environment, stdin="print(_ + 1)")
        assert (piped.returncode, piped.stdout) == (0, "43\n")


def test_run_that_takes_too_long_is_interrupted_and_says_so(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        code = "import time; time.sleep(600)"
        done = run("run", "--timeout", "1", code, environment=environment)
        assert done.returncode == 3
        assert "did not end within 1 s and was interrupted" in done.stderr
        lines.wait_for("activity", state="interrupted")


def test_run_that_asks_for_input_without_a_terminal_is_interrupted_and_says_so(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        done = run("run", "--quiet", "name = input('name? ')", environment=environment)
        assert done.returncode == 3
        assert done.stderr.startswith("cokernel: The code called input() and nobody could answer")
        assert done.stderr.count("\n") == 1
        lines.wait_for("activity", state="interrupted")


def test_run_asks_the_person_at_the_terminal_for_input(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    code = "print('hello', input('name? '), input())"
    with sharing(environment):
        shell = ["sh", "-c", f"{shlex.join([*COKERNEL, 'run', code])}; echo exit code $?; cat"]
        with open_terminal(shell, environment) as terminal:
            terminal.wait_for("input:")
            terminal.press("A", "d", "a", "Enter")
            terminal.wait_for("input: Ada\ninput:")
            terminal.press("L", "Enter")
            assert "hello Ada L\n" in terminal.wait_for("exit code 0")


def test_ctrl_c_at_the_question_for_input_interrupts_the_run(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        with open_terminal([*COKERNEL, "run", "input()"], environment) as terminal:
            terminal.wait_for("input:")
            terminal.press("C-c")
            terminal.wait_for_end()
        lines.wait_for("activity", state="interrupted")


def test_ctrl_c_of_run_interrupts_its_code(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        with beside("run", "import time; time.sleep(600)", environment=environment) as running:
            lines.wait_for("activity", state="running")
            running.send_signal(signal.SIGINT)
            assert running.wait(DEADLINE_S) == 130
        lines.wait_for("activity", state="interrupted")


def test_run_without_a_share_uses_the_kernel_it_is_told(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    pid = run(
        "run",
        "--quiet",
        "--connection-file",
        "kernel",
        "import os; os.getpid()",
        environment=environment,
    )
    assert pid.stdout == f"Out[1]: {shared_kernel.pid}\n"


def test_look_only_denies_a_run(shared_kernel: Kernel, environment: Mapping[str, str]) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment, "--mode", "look"):
        done = run("run", "1 + 1", environment=environment)
    assert done.returncode == 3
    assert "[denied]" in done.stderr or "denied" in done.stderr


def test_ctrl_c_ends_the_share_and_leaves_the_kernel(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        lines.interrupt()
        assert lines.process.returncode == 0
    assert records(environment) == []
    assert shared_kernel.process.poll() is None


def test_ctrl_c_ends_the_share_in_good_order_while_a_run_cannot_be_interrupted(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    in_c_code = "sum(range(10**11))"
    with sharing(environment) as lines, beside("run", in_c_code, environment=environment):
        lines.wait_for("activity", state="running")
        lines.interrupt()
        assert lines.process.returncode == 0
    assert records(environment) == []


@pytest.mark.skipif(os.name == "nt", reason="no SIGSTOP on Windows")
def test_ctrl_c_ends_the_share_of_a_kernel_that_does_not_answer(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        shared_kernel.process.send_signal(signal.SIGSTOP)
        lines.interrupt()
    assert records(environment) == []


def test_share_ends_when_nobody_reads_its_lines_any_more(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines:
        assert lines.process.stdout is not None
        lines.process.stdout.close()
        # It notices when it has something to say.
        run("run", "1 + 1", environment=environment)
        lines.process.wait(DEADLINE_S)
    assert records(environment) == []


def test_without_a_view_nobody_can_be_asked(environment: Mapping[str, str]) -> None:
    done = run("share", "--no-ui", environment=environment)
    assert done.returncode == 3
    assert "--mode free or --mode look" in done.stderr


def test_without_a_view_a_kernel_that_an_agent_starts_is_in_the_mode_of_the_share(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with sharing(environment) as lines, connected("tester", environment) as agent:
        agent.call("start_kernel", {"name": "scratch"})
        result = agent.call("execute_code", {"code": "6 * 7", "timeout_s": 30})
        assert (result.state, "Out[1]: 42" in result.text) == ("ok", True)
        seen = lines.wait_for("activity", state="ok", tool="execute_code")
        assert seen["kernel"] == "scratch"


def test_no_kernel_and_several_kernels_are_told_with_what_to_do(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    none = run("share", "--no-ui", "--mode", "free", environment=environment)
    assert none.returncode == 3
    assert "No IPython kernel of yours runs" in none.stderr
    with (
        start_kernel("running", tmp_path / "runtime") as first,
        start_kernel("running", tmp_path / "other") as second,
    ):
        wait_until_it_listens(first)
        wait_until_it_listens(second)
        second.connection_file.rename(tmp_path / "runtime" / "kernel-second.json")
        several = run("share", "--no-ui", "--mode", "free", environment=environment)
    assert several.returncode == 3
    assert f"IPython {first.pid}" in several.stderr
    assert f"IPython {second.pid}" in several.stderr
    assert "Name one with --connection-file" in several.stderr


def test_person_allows_a_run_in_the_terminal_and_ends_the_share_there(
    shared_kernel: Kernel, environment: Mapping[str, str]
) -> None:
    wait_until_it_listens(shared_kernel)
    with open_terminal([*COKERNEL, "share", "--title", "fit.py"], environment) as terminal:
        terminal.wait_for("No client is connected")
        with beside("run", "--quiet", "print('allowed')", environment=environment) as running:
            asked = terminal.wait_for("a Allow once")
            assert "cokernel run wants to run this in fit.py" in asked
            assert "print('allowed')" in asked
            terminal.press("Enter")
            terminal.press("a")
            assert running.communicate(timeout=DEADLINE_S)[0] == b"allowed\n"
        terminal.wait_for("✓ ok")
        terminal.press("C-c")
        terminal.wait_for_end()
    assert records(environment) == []
    assert shared_kernel.process.poll() is None


def test_person_picks_one_of_several_kernels(
    shared_kernel: Kernel, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with start_kernel("running", tmp_path / "other") as second:
        wait_until_it_listens(shared_kernel)
        wait_until_it_listens(second)
        second.connection_file.rename(tmp_path / "runtime" / "kernel-second.json")
        with open_terminal([*COKERNEL, "share"], environment) as terminal:
            # The newest is the first.
            terminal.wait_for(f"1  IPython {second.pid}")
            terminal.wait_for("Which one? [1]")
            terminal.press("9", "Enter")
            terminal.wait_for("A number from 1 to 2")
            terminal.press("2", "Enter")
            terminal.wait_for(f"IPython {shared_kernel.pid}   ")
            terminal.wait_for("Ask me")
            terminal.press("q")
            terminal.wait_for_end()


def test_leaving_the_list_of_kernels_is_quiet(
    shared_kernel: Kernel, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with start_kernel("running", tmp_path / "other") as second:
        wait_until_it_listens(shared_kernel)
        wait_until_it_listens(second)
        second.connection_file.rename(tmp_path / "runtime" / "kernel-second.json")
        shell = ["sh", "-c", f"{shlex.join(COKERNEL)} share; echo exit code $?; cat"]
        with open_terminal(shell, environment) as terminal:
            terminal.wait_for("Which one? [1]")
            terminal.press("C-d")
            assert "Traceback" not in terminal.wait_for("exit code 130")


def wait_until_it_listens(kernel: Kernel) -> None:
    """Until then it is not found."""
    code = (
        "import asyncio, sys; from cokernel.kernel.zmq import ZmqLink; "
        "from cokernel.kernel.connection_files import read_connection_file as read; "
        "link = ZmqLink(read(sys.argv[1])); "
        "asyncio.run(asyncio.wait_for(link.connect(40), 50))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(kernel.connection_file)], check=True, timeout=DEADLINE_S
    )
