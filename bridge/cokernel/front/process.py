"""The front as a process: its stdin, its stdout, its signals and its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from cokernel.front.home import Wish
from cokernel.front.lines import Line, LineSplitter
from cokernel.front.log import Log
from cokernel.front.relay import Relay
from cokernel.front.upstream import CHUNK

if TYPE_CHECKING:
    from subprocess import Popen


class Output:
    """Our stdout, one whole line at a time from any thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def write(self, line: Line) -> None:
        """Waits as long as the client does not read. Raises OSError if it is gone."""
        view = memoryview(line)
        with self._lock:
            while view:
                view = view[os.write(self._fd, view) :]


class _Stop(BaseException):
    """A signal told us to end."""


class _Signals:
    """SIGINT and SIGTERM end the serving. Later ones do not cut the ending short."""

    def __init__(self) -> None:
        self.serving = True
        self.seen = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.seen = True
        if self.serving:
            self.serving = False
            raise _Stop


def run(early: Popen[bytes] | None = None) -> int:
    """Serve the client on stdin until it leaves or a signal comes; the exit code.

    `early` is a stand-alone bridge that was started in advance.
    """
    log = Log()
    relay = Relay(Wish.of(os.environ), Output(sys.stdout.fileno()).write, log, early)
    signals = _Signals()
    with contextlib.suppress(_Stop):
        try:
            relay.start()
            _read_client(relay, sys.stdin.fileno())
        finally:
            signals.serving = False
    relay.close(hurried=signals.seen)
    return 0


def _read_client(relay: Relay, fd: int) -> None:
    splitter = LineSplitter()
    while chunk := os.read(fd, CHUNK):
        _hand_on(relay, splitter.feed(chunk))


def _hand_on(relay: Relay, lines: list[Line | None]) -> None:
    """A function of its own, so that a long line is let go before the next wait."""
    for line in lines:
        relay.from_client(line)
