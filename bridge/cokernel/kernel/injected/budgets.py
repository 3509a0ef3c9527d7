"""How long and how much a look may take."""

from __future__ import annotations

import time


class Budget:
    """What one look may still spend: seconds, bytes to hash, items to visit."""

    __slots__ = ("_end", "bytes_left", "items_left")

    def __init__(self, seconds: float, max_bytes: int = 0, max_items: int = 0) -> None:
        self._end = time.monotonic() + seconds
        self.bytes_left = max_bytes
        self.items_left = max_items

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() > self._end

    def take_bytes(self, count: int) -> bool:
        """Whether `count` bytes may be read; if so they are spent."""
        if count > self.bytes_left or self.out_of_time:
            return False
        self.bytes_left -= count
        return True

    def take_items(self, count: int) -> bool:
        """Whether `count` items may be visited; if so they are spent."""
        if count > self.items_left or self.out_of_time:
            return False
        self.items_left -= count
        return True
