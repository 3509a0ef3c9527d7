"""Bytes as they come in → whole lines."""

from __future__ import annotations

MAX_LINE = 64 * 2**20
"""Bytes. No client takes nearly as much in one message (17 MB ends Claude Code's connection)."""


class LineSplitter:
    """Collects bytes until a line is whole. Not for several threads."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that this chunk ends, without their newline; None in place of one longer than the limit."""
        first, *others = chunk.split(b"\n")
        if not others:
            self._keep(first)
            return []
        rest = others.pop()
        lines = [self._take(first), *map(self._fit, others)]
        self._keep(rest)
        return lines

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _take(self, end: bytes) -> bytes | None:
        self._keep(end)
        too_long = self._size > self._limit
        line = None if too_long else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return line

    def _fit(self, line: bytes) -> bytes | None:
        return line if len(line) <= self._limit else None
