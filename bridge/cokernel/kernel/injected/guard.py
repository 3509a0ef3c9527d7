"""Which cell runs now, and an interrupt that can reach no other cell.

A plain interrupt hits whatever runs when it arrives: sent at the end of an agent's cell it may kill the user's next
one, or the kernel's own loop, and the reply is lost. So the kernel itself decides. `cell` is set before a cell's code
and cleared after it, by hooks in the main thread; an interrupt is sent from the control thread, under `_lock`, only
while the cell is still that one; and the hook that clears waits for the lock, then absorbs an interrupt that is under
way. Whatever comes later finds another cell, or none, and is refused.
"""

from __future__ import annotations

import _thread
import collections
import signal
import sys
import threading
import time
from typing import Any

from .stacks import frames_of, runs_code

READY_SECONDS = 0.25
"""How long an interrupt waits for a cell that is about to begin, or in IPython's own code at its start or end."""
MAX_ENDED = 256


class Cell:
    """A cell that runs in the main thread."""

    __slots__ = ("depth", "msg_id", "session", "since")

    def __init__(self, msg_id: str, session: str) -> None:
        self.msg_id = msg_id
        self.session = session
        self.since = time.time()
        self.depth = 1
        """Cells inside one another: code may call `run_cell` itself."""


class Guard:
    """Owns what is known of the running cell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._lock = threading.Lock()
        self.thread = threading.get_ident()
        """The shell's thread: the helper is put in by code that runs there."""
        self.cell: Cell | None = None
        self._ended: collections.deque[str] = collections.deque(maxlen=MAX_ENDED)
        core = sys.modules["IPython.core.interactiveshell"]
        self.entry = core.InteractiveShell.run_code.__code__
        """The code object of the function that executes a cell's code."""

    def begin(self) -> Cell | None:
        """The main thread is about to run a cell: that cell, or None if it is inside another one."""
        header = self._shell.kernel.get_parent("shell").get("header", {})
        msg_id = str(header.get("msg_id", ""))
        running = self.cell
        if running is not None and running.msg_id == msg_id:
            running.depth += 1
            return None
        self.cell = Cell(msg_id, str(header.get("session", "")))
        return self.cell

    def end(self) -> Cell | None:
        """A cell ended: that cell, or None if it was inside another one. No interrupt of ours is pending after it."""
        running = self.cell
        if running is not None and running.depth > 1:
            running.depth -= 1
            return None
        self._absorb()
        if running is not None:
            self._ended.append(running.msg_id)
        return running

    def _absorb(self) -> None:
        # Each round may be cut short by the interrupt it is there to absorb. A second interrupt (the user's own
        # Ctrl-C) may cut another one; more than a few cannot be pending.
        for _ in range(20):
            try:
                self.cell = None
                with self._lock:
                    pass  # An interrupter that still saw the cell has sent its signal when it lets go.
                # Through the operating system, so that a signal under way is delivered here; then a few steps of
                # a loop, between which Python runs its signal handler.
                time.sleep(0)
                for _ in range(50):
                    pass
            except KeyboardInterrupt:
                continue
            return

    def interrupt(self, msg_id: str, session: str) -> dict[str, Any]:
        """Interrupt the cell `msg_id` of the Jupyter session `session`, if it runs now."""
        end = time.monotonic() + READY_SECONDS
        while True:
            with self._lock:
                if self._is(msg_id, session) and self._can_take_it():
                    self._send()
                    return {"sent": True, "running": True}
            running = self._is(msg_id, session)
            if time.monotonic() > end or (not running and msg_id in self._ended):
                return {"sent": False, "running": running}
            # IPython tells of neither the arrival of a request nor the start of a cell's own code, so there is
            # nothing to wait for.
            time.sleep(0.005)

    def _is(self, msg_id: str, session: str) -> bool:
        cell = self.cell
        return cell is not None and cell.msg_id == msg_id and cell.session == session

    def _can_take_it(self) -> bool:
        """Whether an interrupt ends the cell's code, and not IPython's work before or after it."""
        if self.thread != threading.main_thread().ident:
            return False  # A kernel embedded in another thread: Python delivers signals to the main thread only.
        handler = signal.getsignal(signal.SIGINT)
        if str(getattr(handler, "__module__", "")).startswith("ipykernel"):
            return True  # While a cell awaits, ipykernel's own handler cancels its task whenever the signal comes.
        # Outside the cell's code the default handler would hit IPython, and Spyder's would swallow the interrupt.
        return callable(handler) and runs_code(frames_of(self.thread), self.entry)

    def _send(self) -> None:
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self.thread, signal.SIGINT)
        else:
            _thread.interrupt_main()
        # While a cell awaits, ipykernel's handler schedules the cancellation without waking the event loop, which may
        # sleep until the next message (tornado's `add_callback` sees that it is called in the loop's own thread).
        loop = getattr(self._shell.kernel, "io_loop", None)
        if loop is not None:
            loop.add_callback(_wake)


def _wake() -> None:
    """Nothing to do but to be called."""
