"""The stand-alone bridge as our child: MCP lines on its stdin and stdout.

Its stdin is the leash: when we end, however we end, it reads the end of it and goes too.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import subprocess
import sys
import threading
import time

from cokernel.errors import StartFailed
from cokernel.front.early import spawn
from cokernel.front.lines import Line
from cokernel.front.upstream import CHUNK, WRITE_DEADLINE_S, Upstream

NAME = "the private kernel"
GRACE_S = 1.5
"""After the end of its stdin, for ending its kernel. Clients commonly give us 2 s."""
HURRIED_GRACE_S = 0.25
"""Claude Code kills us about 0.5 s after its first signal."""
EXIT_CHECK_S = 1.0
TERMINATE_S = 2.0
"""After SIGTERM."""


def start(early: subprocess.Popen[bytes] | None = None) -> Upstream:
    """Start the bridge, unless it was started in advance; it needs no handshake and may be written to at once.

    Raises
    ------
    StartFailed
        the process could not be started.
    """
    try:
        child = early or spawn()
    except OSError as error:
        raise StartFailed(
            f"A bridge could not be started: {error}.", "Run `cokernel doctor`."
        ) from error
    return Upstream(ChildTransport(child), NAME, None)


class ChildTransport:
    """The pipes of a child, and its end."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        # Raw files, because of bufsize=0: a write says how much it took, None for nothing.
        assert isinstance(child.stdin, io.FileIO)
        assert isinstance(child.stdout, io.FileIO)
        self._child = child
        self._stdin = child.stdin
        self._stdout = child.stdout
        self._closing = threading.Lock()
        if sys.platform != "win32":
            os.set_blocking(self._stdin.fileno(), False)

    def read(self) -> bytes:
        try:
            return self._stdout.read(CHUNK) if self._has_output() else b""
        except (OSError, ValueError):
            return b""

    def _has_output(self) -> bool:
        """Wait for output or the end of the child.

        The end of its output alone would not do: a process that it started may hold the pipe open.
        """
        if sys.platform == "win32":
            return True  # pipes cannot be selected there
        while not select.select([self._stdout], [], [], EXIT_CHECK_S)[0]:
            if self._child.poll() is not None:
                return False
        return True

    def write(self, data: Line) -> None:
        view = memoryview(data)
        deadline = time.monotonic() + WRITE_DEADLINE_S
        try:
            while view:
                written = self._stdin.write(view)
                if written is None:
                    self._wait_for_room(deadline)
                else:
                    view = view[written:]
        except ValueError as error:  # closed
            raise BrokenPipeError("closed") from error

    def _wait_for_room(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([], [self._stdin], [], left)[1]:
            raise TimeoutError("the bridge takes nothing")

    def close(self, *, hurried: bool) -> None:
        with self._closing:
            with contextlib.suppress(OSError):
                self._stdin.close()
            if self._ended_within(HURRIED_GRACE_S if hurried else GRACE_S):
                return
            self._child.terminate()
            if self._ended_within(TERMINATE_S):
                return
            self._child.kill()
            self._ended_within(TERMINATE_S)

    def _ended_within(self, timeout_s: float) -> bool:
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True
