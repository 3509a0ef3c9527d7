"""Bytes as they come in → whole lines, each with its newline.

Long lines (images) are collected in memory of their own, mapped and unmapped: if they passed through
the allocator, they would leave a front of 15 MB at 40 MB for good.
"""

from __future__ import annotations

import mmap

MAX_LINE = 64 * 2**20
"""Bytes. No client takes nearly as much in one message (17 MB ends Claude Code's connection)."""
_SMALL = 256 * 1024
"""Bytes. Longer lines get memory of their own."""

Line = bytes | memoryview


class LineSplitter:
    """Collects bytes until a line is whole. Not for several threads."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._size = 0
        """Of the line that has begun, kept or not."""
        self._parts: list[bytes] = []
        self._mapped: mmap.mmap | None = None
        """Takes the place of the parts when they are many."""

    def feed(self, chunk: bytes) -> list[Line | None]:
        """The lines that this chunk ends; None in place of one that is longer than the limit."""
        *ends, rest = chunk.split(b"\n")
        lines: list[Line | None] = []
        for end in ends:
            self._keep(end + b"\n")
            lines.append(self._take())
        self._keep(rest)
        return lines

    def _keep(self, part: bytes) -> None:
        start = self._size
        self._size += len(part)
        if self._size > self._limit:
            self._forget()
        elif self._size <= _SMALL:
            self._parts.append(part)
        else:
            self._map(start, part)

    def _map(self, start: int, part: bytes) -> None:
        if self._mapped is None:
            part, start = b"".join([*self._parts, part]), 0
            self._parts.clear()
            self._mapped = mmap.mmap(-1, _capacity(self._size))
        elif self._size > len(self._mapped):
            larger = mmap.mmap(-1, _capacity(self._size))
            larger[:start] = memoryview(self._mapped)[:start]
            self._mapped = larger
        self._mapped[start : self._size] = part

    def _take(self) -> Line | None:
        line: Line | None = None
        if self._mapped is not None:
            line = memoryview(self._mapped)[: self._size]  # unmapped when nobody uses it any more
        elif self._size <= self._limit:
            line = b"".join(self._parts)
        self._forget()
        self._size = 0
        return line

    def _forget(self) -> None:
        self._parts.clear()
        self._mapped = None


def _capacity(size: int) -> int:
    return 1 << (size - 1).bit_length()
