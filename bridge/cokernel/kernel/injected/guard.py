"""Which cell runs now, and an interrupt that can reach no other cell.

A plain interrupt hits whatever runs when it arrives: sent at the end of an agent's cell it may kill the user's next
one, or the kernel's own loop, and the reply is lost. So the kernel itself decides. `cell` is set before a cell's code
and cleared after it, by hooks in the main thread; an interrupt is sent from the control thread, under `_lock`, only
while the cell is still that one; and the hook that clears waits for the lock, then absorbs an interrupt that is under
way. Whatever comes later finds another cell, or none, and is refused.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from typing import Any

from .stacks import frames_of, runs_code

READY_SECONDS = 0.25
"""How long an interrupt waits for the cell to leave IPython's own code at its start or end."""


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
        self.cell = None
        return Cell(msg_id, str(header.get("session", "")))

    def started(self, cell: Cell) -> None:
        """From here on `cell` may be interrupted."""
        self.cell = cell

    def end(self) -> Cell | None:
        """A cell ended: that cell, or None if it was inside another one. No interrupt of ours is pending after it."""
        running = self.cell
        if running is not None and running.depth > 1:
            running.depth -= 1
            return None
        self._absorb()
        return running

    def _absorb(self) -> None:
        # Each round may be cut short by the interrupt it is there to absorb. A second interrupt (the user's own
        # Ctrl-C) may cut another one; more than a few cannot be pending.
        for _ in range(20):
            try:
                self.cell = None
                with self._lock:
                    pass  # An interrupter that still saw the cell has sent its signal when it lets go.
                time.sleep(
                    0
                )  # Through the operating system, so that a signal under way is delivered here.
                for _ in range(50):
                    pass  # Python runs its signal handler between two steps of a loop.
            except KeyboardInterrupt:
                continue
            return

    def interrupt(self, msg_id: str, session: str) -> dict[str, Any]:
        """Interrupt the cell `msg_id` of the Jupyter session `session`, if it runs now."""
        end = time.monotonic() + READY_SECONDS
        while True:
            with self._lock:
                cell = self.cell
                if cell is None or cell.msg_id != msg_id or cell.session != session:
                    return {"sent": False, "running": cell is not None}
                if self._can_take_it():
                    self._send()
                    return {"sent": True, "running": True}
            if time.monotonic() > end:
                return {"sent": False, "running": True}
            # IPython tells of neither the start nor the end of a cell's own code, so there is nothing to wait for.
            time.sleep(0.005)

    def _can_take_it(self) -> bool:
        """Whether an interrupt ends the cell's code, and not IPython's work before or after it."""
        if self.thread != threading.main_thread().ident:
            return False  # A kernel embedded in another thread: Python delivers signals to the main thread only.
        handler = signal.getsignal(signal.SIGINT)
        if handler is signal.default_int_handler:
            return runs_code(frames_of(self.thread), self.entry)
        # While a cell awaits, ipykernel has a handler of its own that cancels the cell's task whenever it comes.
        return callable(handler)

    def _send(self) -> None:
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self.thread, signal.SIGINT)
        else:
            _thread.interrupt_main()
