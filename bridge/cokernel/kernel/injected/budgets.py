"""How long and how much a look may take."""

from __future__ import annotations

import time


class Deadline:
    """An end in time."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return time.monotonic() > self._end


class Allowance:
    """How much of one value may be visited. No clock: the same value must always be visited as far."""

    __slots__ = ("_bytes", "_items")

    def __init__(self, max_bytes: int, max_items: int) -> None:
        self._bytes = max_bytes
        self._items = max_items

    def take_bytes(self, count: int) -> bool:
        """Whether `count` bytes may be read; if so they are spent."""
        if count > self._bytes:
            return False
        self._bytes -= count
        return True

    def take_items(self, count: int) -> bool:
        """Whether `count` items may be visited; if so they are spent."""
        if count > self._items:
            return False
        self._items -= count
        return True
