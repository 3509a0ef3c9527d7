"""Watching a kernel's process from outside: its end is seen at once, not when a heartbeat fails.

psutil is imported where it is needed: rarely, and a bridge that starts does not wait for it so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from cokernel.shares import Presence, presence

_POLL_S = 0.5


class ProcessWatch:
    """Calls back once when a process of this machine ends. Owned by a link."""

    def __init__(self, pid: int, on_end: Callable[[], None]) -> None:
        self.pid = pid
        self._on_end = on_end
        self._pidfd: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._start()

    def close(self) -> None:
        """Stop watching. Idempotent."""
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def is_stopped(self) -> bool:
        """Whether the process is there but stopped (SIGSTOP, a debugger)."""
        import psutil

        with contextlib.suppress(psutil.Error):
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        return False

    def _start(self) -> None:
        open_pidfd = getattr(os, "pidfd_open", None)  # Linux 5.3+
        if open_pidfd is not None:
            try:
                self._pidfd = open_pidfd(self.pid)
            except ProcessLookupError:
                asyncio.get_running_loop().call_soon(self._on_end)
                return
            except OSError:
                self._pidfd = None  # a kernel without pidfd, or no more file descriptors: poll
        if self._pidfd is not None:
            asyncio.get_running_loop().add_reader(self._pidfd, self._ended)
        else:
            self._task = asyncio.create_task(self._poll(), name=f"watch process {self.pid}")

    def _ended(self) -> None:
        self.close()
        self._on_end()

    async def _poll(self) -> None:
        while _runs(self.pid):  # noqa: ASYNC110  # without pidfd there is no event to await
            await asyncio.sleep(_POLL_S)
        self._task = None
        self._on_end()


def exists(pid: int) -> bool:
    """Whether a process of this machine has this pid now."""
    return presence(pid, 0.0) is Presence.ALIVE


def _runs(pid: int) -> bool:
    import psutil

    try:
        # A child of ours that has ended is a zombie until it is waited for.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
