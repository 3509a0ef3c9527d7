"""What calls have put out, kept for as long as memory allows."""

from __future__ import annotations

from collections import OrderedDict

from cokernel.host import DisplayOutput, Output, StreamOutput
from spyder_mcp.widgets.calls_model import CallKey

MAX_CHARS = 64_000_000


class OutputCache:
    """The least recently written entries go first. Sizes are counted in characters."""

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        self._max_chars = max_chars
        self._entries: OrderedDict[CallKey, tuple[Output, ...]] = OrderedDict()
        self._chars = 0

    def put(self, key: CallKey, outputs: tuple[Output, ...]) -> None:
        self._remove(key)
        self._entries[key] = outputs
        self._chars += _chars(outputs)
        while self._chars > self._max_chars and len(self._entries) > 1:
            self._remove(next(iter(self._entries)))

    def get(self, key: CallKey) -> tuple[Output, ...]:
        """Empty if nothing is kept."""
        return self._entries.get(key, ())

    def keep_only(self, keys: set[CallKey]) -> None:
        for key in set(self._entries) - keys:
            self._remove(key)

    def _remove(self, key: CallKey) -> None:
        self._chars -= _chars(self._entries.pop(key, ()))


def _chars(outputs: tuple[Output, ...]) -> int:
    return sum(_size(output) for output in outputs)


def _size(output: Output) -> int:
    if isinstance(output, StreamOutput):
        return len(output.text)
    if isinstance(output, DisplayOutput):
        return sum(len(data) for data in output.data.values())
    return len(output.traceback)
