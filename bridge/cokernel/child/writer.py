"""Lines on their way to an IDE that may read slowly, or not at all.

What waits is bounded. Beyond that, the oldest news of single calls (`activity`, `outputs`) are left out: they can be
asked for again, and a `dropped` event in their place says that there is a reason to. Answers, shares and clients are
never left out.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict, deque
from typing import BinaryIO

from cokernel.child.encode import Wire

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""News of calls that wait for the reader: as many as an IDE keeps of a share."""
_NEWS = frozenset({"activity", "outputs"})


class Backlog:
    """What is still to be written, in the order it came. Safe to use from any thread."""

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._changed = threading.Condition()
        self._lines: OrderedDict[int, Wire] = OrderedDict()
        """By number."""
        self._news: deque[int] = deque()
        """Numbers of those that may be left out."""
        self._next = 0
        self._dropped = 0
        self._is_closed = False

    def put(self, line: Wire) -> None:
        with self._changed:
            self._lines[self._next] = line
            if line.get("event") in _NEWS:
                self._news.append(self._next)
            self._next += 1
            if len(self._news) > self._max_waiting:
                del self._lines[self._news.popleft()]
                self._dropped += 1
            self._changed.notify()

    def take(self) -> Wire | None:
        """The next line, when there is one; None when all was taken after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._is_closed)
            if self._dropped:
                count, self._dropped = self._dropped, 0
                return dropped_event(count)
            if not self._lines:
                return None
            number, line = self._lines.popitem(last=False)
            if self._news and self._news[0] == number:
                self._news.popleft()
            return line

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()


def dropped_event(count: int) -> Wire:
    """Says that `count` news of calls were left out here."""
    return {"event": "dropped", "count": count}


class LineWriter:
    """Writes lines in a thread of its own, in the order they came."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._backlog = Backlog()
        self._thread = threading.Thread(target=self._write, name="cokernel-child-writer")
        self._thread.daemon = True
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether lines still go out; False once the reader has left."""
        return self._thread.is_alive()

    def send(self, line: Wire) -> None:
        self._backlog.put(line)

    def close(self, timeout_s: float) -> None:
        """Write what is left; give up after `timeout_s` if nobody reads."""
        self._backlog.close()
        self._thread.join(timeout_s)

    def _write(self) -> None:
        while (line := self._backlog.take()) is not None:
            try:
                self._stream.write(json.dumps(line).encode("ascii") + b"\n")
                self._stream.flush()
            except OSError:
                # Nobody reads any more; stdin ends with the same process, and that ends the bridge.
                log.info("the IDE closed its end")
                return
