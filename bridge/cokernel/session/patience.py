"""A deadline that is put off by every sign of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_STEPS = 4


class Patience:
    """Calls back once nothing has come for a while.

    It counts in steps, not by the clock: after the event loop was blocked (a busy IDE, a suspended machine) the
    messages that arrived meanwhile still get their turn before it runs out.
    """

    def __init__(self, seconds: float) -> None:
        self._step_s = seconds / _STEPS
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        return self._timer is not None

    def begin(self, when_over: Callable[[], None]) -> None:
        """Start, or start anew."""
        self.stop()
        self._step(_STEPS, when_over)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _step(self, left: int, when_over: Callable[[], None]) -> None:
        if left:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._step_s, self._step, left - 1, when_over)
        else:
            self._timer = None
            when_over()
