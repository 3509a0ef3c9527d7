"""Append-only texts of which the beginning and the end are held, within one budget for all of them.

Positions count every character that was ever added, so that they stay valid when the middle is let go.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from typing import NamedTuple

_BLOCK_CHARS = 64_000
_BLOCK_PIECES = 512
"""Pieces of a line each would cost more in headers than in text."""


class Gap(NamedTuple):
    """What of a text is not held any more."""

    start: int = 0
    """Position of its first character."""
    chars: int = 0
    lines: int = 0


class TextBudget:
    """What all texts of one execution may hold together: the first bytes, and the last ones."""

    def __init__(self, head_bytes: int, tail_bytes: int) -> None:
        self._head_left = head_bytes
        self._head_held = 0
        self._tail_limit = tail_bytes
        self._tail_held = 0
        self._tail: deque[weakref.ref[HeldText]] = deque()
        """Who holds each block of the tail, oldest first. Weak: a cycle would keep megabytes until it is collected."""

    @property
    def held_bytes(self) -> int:
        return self._head_held + self._tail_held

    def take_head(self, size: int) -> bool:
        """Whether a block may stay for good because it belongs to the beginning."""
        if size > self._head_left:
            self._head_left = 0
            return False
        self._head_left -= size
        self._head_held += size
        return True

    def add_tail(self, owner: HeldText, size: int) -> None:
        self._tail.append(weakref.ref(owner))
        self._tail_held += size
        while self._tail_held > self._tail_limit and self._tail:
            oldest = self._tail.popleft()()
            if oldest is not None:
                self._tail_held -= oldest.let_go_oldest()

    def give_back(self, head_bytes: int, tail_bytes: int) -> None:
        """An owner let go of everything that it held."""
        self._head_held -= head_bytes
        self._tail_held -= tail_bytes


class HeldText:
    """One text. Growing it costs the length of what is added."""

    def __init__(self, budget: TextBudget) -> None:
        self._budget = budget
        self._head: list[str] = []
        self._head_chars = 0
        self._tail: deque[str] = deque()
        self._tail_chars = 0
        self._open: list[str] = []
        self._open_chars = 0
        self._in_head = True
        self._dropped_chars = 0
        self._dropped_lines = 0
        self.ends_line = False
        """Whether the last character is a newline."""

    @property
    def length(self) -> int:
        """Characters that were ever added."""
        return self._head_chars + self._dropped_chars + self._tail_chars + self._open_chars

    @property
    def gap(self) -> Gap:
        return Gap(self._head_chars, self._dropped_chars, self._dropped_lines)

    def append(self, text: str) -> None:
        if not text:
            return
        self.ends_line = text[-1] == "\n"
        self._open.append(text)
        self._open_chars += len(text)
        if self._open_chars >= _BLOCK_CHARS or len(self._open) >= _BLOCK_PIECES:
            self.close_block()

    def close_block(self) -> None:
        """Put what was added lately under the budget. Called by itself often enough; also when no more will come."""
        text = "".join(self._open)
        self._open.clear()
        self._open_chars = 0
        for start in range(0, len(text), _BLOCK_CHARS):
            self._hold(text[start : start + _BLOCK_CHARS] if len(text) > _BLOCK_CHARS else text)

    def read(self, start: int, stop: int) -> str:
        """What is held between two positions of the whole text."""
        gap_end = self._head_chars + self._dropped_chars
        head = _cut(self._head, 0, start, stop)
        tail = _cut(self._tail, gap_end, start, stop)
        return head + tail + _cut(self._open, gap_end + self._tail_chars, start, stop)

    def let_go_oldest(self) -> int:
        """Let go of the oldest block after the head; how many bytes that freed."""
        if not self._tail:
            return 0
        block = self._tail.popleft()
        self._tail_chars -= len(block)
        self._dropped_chars += len(block)
        self._dropped_lines += block.count("\n")
        return sys.getsizeof(block)

    def let_go(self) -> None:
        """Let go of everything. The text is not to be used any more."""
        head_bytes = sum(map(sys.getsizeof, self._head))
        self._budget.give_back(head_bytes, sum(map(sys.getsizeof, self._tail)))
        self._head.clear()
        self._tail.clear()

    def _hold(self, block: str) -> None:
        size = sys.getsizeof(block)
        self._in_head = self._in_head and self._budget.take_head(size)
        if self._in_head:
            self._head.append(block)
            self._head_chars += len(block)
        else:
            self._tail.append(block)
            self._tail_chars += len(block)
            self._budget.add_tail(self, size)


def _cut(blocks: list[str] | deque[str], position: int, start: int, stop: int) -> str:
    """What of the blocks, the first of which begins at `position`, lies between `start` and `stop`."""
    pieces = []
    for block in blocks:
        end = position + len(block)
        if end > start and position < stop:
            pieces.append(block[max(0, start - position) : stop - position])
        position = end
        if position >= stop:
            break
    return "".join(pieces)
