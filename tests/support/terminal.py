"""A real terminal for tests: tmux, in a server of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

DEADLINE_S = 40.0


class Terminal:
    """One tmux window with one program in it."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """What is on the screen; empty once the program has ended."""
        return self._tmux("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        """Wait until `text` is on the screen; the screen."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in (screen := self.screen()):
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{screen}"
            time.sleep(0.05)
        return screen

    def wait_for_end(self) -> None:
        """Wait until the program has ended."""
        deadline = time.monotonic() + DEADLINE_S
        while self._tmux("list-sessions"):
            assert time.monotonic() < deadline, f"it goes on:\n{self.screen()}"
            time.sleep(0.05)

    def end(self) -> None:
        """End the program and the terminal, if they are still there."""
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments],
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE_S,
            check=False,
        )
        return done.stdout


@contextlib.contextmanager
def open_terminal(
    command: Sequence[str], environment: Mapping[str, str], *, columns: int = 100, rows: int = 30
) -> Iterator[Terminal]:
    """Run a command in a terminal of this size; skips without tmux, and fails then with CI=true."""
    if shutil.which("tmux") is None:
        missing = "tmux is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    terminal = Terminal(f"cokernel-test-{secrets.token_hex(4)}")
    start = ["tmux", "-L", terminal._socket, "-f", "/dev/null", "new-session", "-d"]
    size = ["-x", str(columns), "-y", str(rows)]
    utf8 = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    subprocess.run(
        [*start, *size, shlex.join(command)], env={**environment, **utf8}, check=True, timeout=20
    )
    try:
        yield terminal
    finally:
        terminal.end()
