"""`cokernel child` as a process, with a real kernel: what an IDE sees from `hello` to the end of input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.live

READY_TIMEOUT_S = 60.0


class ChildProcess:
    """Speaks the protocol with a child; each answer is waited for, and events are kept."""

    def __init__(self, state: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cokernel", "child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "COKERNEL_STATE_DIR": str(state)},
        )

    def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._number += 1
        line = json.dumps({"id": self._number, "do": do, **arguments})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        for answer in self.process.stdout:
            message: dict[str, Any] = json.loads(answer)
            if message.get("id") == self._number:
                return message
            self.events.append(message)
        raise AssertionError(f"the child ended before it answered {do}")

    def close(self) -> int:
        """End of input; the exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.process.stdin.close()
            self.events += [json.loads(line) for line in self.process.stdout]
            self.process.stdout.close()
        return self.process.wait(30)


@pytest.fixture
def kernel() -> Iterator[KernelManager]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=READY_TIMEOUT_S)
    client.stop_channels()
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[ChildProcess]:
    child = ChildProcess(tmp_path / "state")
    child.ask("hello", version=1, ide="VS Code", workspaces=[str(tmp_path)])
    yield child
    child.close()


def records(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "state" / "shares").glob("*.json"))


def test_kernel_is_shared_and_the_record_ends_with_the_input(
    child: ChildProcess, kernel: KernelManager, tmp_path: Path
) -> None:
    share = child.ask("share", connection_file=kernel.connection_file, title="a.ipynb", mode="ask")[
        "ok"
    ]
    assert share["state"] == "up"
    assert len(records(tmp_path)) == 1

    assert child.close() == 0

    assert records(tmp_path) == []
    assert child.events[-1]["share"]["state"] == "closed"
    assert kernel.is_alive()


def test_share_that_is_taken_up_again_keeps_its_id(
    child: ChildProcess, kernel: KernelManager
) -> None:
    where = {"connection_file": kernel.connection_file, "title": "a.ipynb", "mode": "ask"}

    share = child.ask("share", share="vscode-of-before", **where)["ok"]

    assert share["share"] == "vscode-of-before"


def test_connection_file_that_is_not_there_is_refused(child: ChildProcess, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.json")

    answer = child.ask("share", connection_file=missing, title="a.ipynb", mode="ask")

    assert answer["error"]["code"]
    assert records(tmp_path) == []


def test_stop_is_answered_and_ends_the_process(child: ChildProcess) -> None:
    assert child.ask("stop")["ok"] == {}
    assert child.process.wait(30) == 0
