"""What an `OutputBuffer` holds of each output. Each entry is a `Block` of the transcript as well."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cokernel.kernel.heldtext import Gap, HeldText, TextBudget
from cokernel.kernel.images import image_label
from cokernel.kernel.outputtypes import DisplayOutput, ErrorOutput, StreamOutput
from cokernel.kernel.plaintext import bundle_image, bundle_text
from cokernel.kernel.terminal import EscapeFilter, TerminalRows
from cokernel.kernel.transcript import Flow, Place, Span, Transcript

_KEPT_OF_DROPPED = 2_000
"""Characters of a display's text that stay when the rest is let go."""


class StreamEntry:
    """Consecutive text of one stream."""

    image_label = ""
    image = None
    merged_flow = None

    def __init__(self, serial: int, name: str, escapes: EscapeFilter, budget: TextBudget) -> None:
        self.serial = serial
        self.stream = name
        self._escapes = escapes
        self._settled = HeldText(budget)
        self._rows = TerminalRows()

    @property
    def last_line(self) -> str:
        return self._rows.last_line

    @property
    def length(self) -> int:
        return self._settled.length + len(self._rows.text)

    @property
    def gap(self) -> Gap:
        return self._settled.gap

    @property
    def ends_line(self) -> bool:
        live = self._rows.text
        return live.endswith("\n") if live else self._settled.ends_line

    def feed(self, text: str) -> Place | None:
        """Add text; where text that was shown before has changed, if anywhere."""
        settled_before = self._settled.length
        self._rows.feed(self._escapes.feed(text))
        self._settled.append(self._rows.take_settled())
        edit = self._rows.take_edit()
        return None if edit is None else Place(self.serial, settled_before + edit)

    def close(self) -> None:
        """Another output follows: what is there stays as it is."""
        self._settled.append(self._rows.text)
        self._rows = TerminalRows()
        self._settled.close_block()

    def let_go(self) -> None:
        self._settled.let_go()

    def read(self, start: int, stop: int) -> str:
        settled = self._settled.length
        text = self._settled.read(start, stop)
        if stop > settled:
            text += self._rows.text[max(0, start - settled) : stop - settled]
        return text

    def output(self) -> StreamOutput:
        gap = self.gap
        text = self.read(0, self.length)
        return StreamOutput(self.stream, text, gap.chars, gap.start if gap.chars else 0)


class Bundle:
    """A mime bundle. Displays with the same display id share one, so that an update costs the same for any number."""

    def __init__(self, data: dict[str, str], dropped_bytes: int = 0) -> None:
        self.data = data
        self.dropped_bytes = dropped_bytes
        self.size = _size(data)
        self.serial = 0
        """Of the first display that shows it."""
        self.uses = 0
        self._words: _Words | None = None

    @property
    def words(self) -> _Words:
        """What the transcript says of it; worked out when it is first read."""
        if self._words is None:
            image = bundle_image(self.data)
            text = bundle_text(self.data)
            label = image_label(*image) if image else ""
            self._words = _Words(text, len(text), label)
        return self._words

    def replace(self, data: dict[str, str]) -> None:
        """Show other data from now on."""
        self.data, self.dropped_bytes, self.size = data, 0, _size(data)
        self._words = None

    def drop_data(self) -> None:
        """Keep the words only."""
        words = self.words
        self._words = _Words(words.text[:_KEPT_OF_DROPPED], words.chars, words.image_label)
        self.dropped_bytes += self.size
        kept = self.data.get("text/plain", "")[:_KEPT_OF_DROPPED]
        if not kept:
            kept = f"[{', '.join(self.data)[:200]}: not held any more, {self.size:,} bytes]"
        self.data = {"text/plain": kept}
        self.size = _size(self.data)


class _Words(NamedTuple):
    text: str
    chars: int
    """Length of the whole text; `text` may hold only its beginning."""
    image_label: str


def _size(data: dict[str, str]) -> int:
    return sum(map(sys.getsizeof, data.values()))


@dataclass(slots=True)
class DisplayEntry:
    """`display_data` or `execute_result`."""

    serial: int
    bundle: Bundle
    execution_count: int | None
    display_id: str
    stream: str = field(default="", init=False)
    merged_flow: None = field(default=None, init=False)

    @property
    def _lead(self) -> str:
        if self.execution_count is None:
            return ""
        newline = "\n" if "\n" in self.bundle.words.text else " "
        return f"Out[{self.execution_count}]:{newline}"

    @property
    def length(self) -> int:
        return len(self._lead) + self.bundle.words.chars

    @property
    def gap(self) -> Gap:
        words = self.bundle.words
        return Gap(len(self._lead) + len(words.text), words.chars - len(words.text))

    @property
    def ends_line(self) -> bool:
        return self.bundle.words.text.endswith("\n")

    @property
    def image_label(self) -> str:
        return self.bundle.words.image_label

    @property
    def image(self) -> tuple[str, str] | None:
        return bundle_image(self.bundle.data)

    def read(self, start: int, stop: int) -> str:
        return (self._lead + self.bundle.words.text)[start:stop]

    def output(self) -> DisplayOutput:
        bundle = self.bundle
        return DisplayOutput(
            bundle.data, self.execution_count, self.display_id, bundle.dropped_bytes
        )


@dataclass(slots=True)
class ErrorEntry:
    """An exception; its transcript is the short form."""

    serial: int
    error: ErrorOutput
    text: str
    stream: str = field(default="", init=False)
    gap: Gap = field(default=Gap(), init=False)
    image_label: str = field(default="", init=False)
    image: None = field(default=None, init=False)
    merged_flow: None = field(default=None, init=False)

    @property
    def length(self) -> int:
        return len(self.text)

    @property
    def ends_line(self) -> bool:
        return self.text.endswith("\n")

    def read(self, start: int, stop: int) -> str:
        return self.text[start:stop]

    def output(self) -> ErrorOutput:
        return self.error


@dataclass(slots=True)
class GapEntry:
    """Many outputs that were let go because there were too many."""

    serial: int
    span: Span
    outputs: int
    dropped_bytes: int
    stream: str = field(default="", init=False)
    image_label: str = field(default="", init=False)
    image: None = field(default=None, init=False)

    @property
    def length(self) -> int:
        return self.span.chars

    @property
    def gap(self) -> Gap:
        return Gap(0, self.span.chars, self.span.lines)

    @property
    def ends_line(self) -> bool:
        return self.span.flow.line_ended

    @property
    def merged_flow(self) -> Flow | None:
        return self.span.flow

    def read(self, start: int, stop: int) -> str:  # noqa: ARG002  a `Block` of which nothing is held
        return ""

    def output(self) -> DisplayOutput:
        words = f"[{self.outputs:,} outputs are not held any more]"
        return DisplayOutput({"text/plain": words}, dropped_bytes=self.dropped_bytes)


Entry = StreamEntry | DisplayEntry | ErrorEntry | GapEntry


def merge(entries: Sequence[Entry], transcript: Transcript) -> GapEntry:
    """One entry for many, as long in the transcript as they were."""
    return GapEntry(
        serial=entries[0].serial,
        span=transcript.span(entries[0].serial, entries[-1].serial),
        outputs=sum(entry.outputs if isinstance(entry, GapEntry) else 1 for entry in entries),
        dropped_bytes=sum(map(_bytes_of, entries)),
    )


def _bytes_of(entry: Entry) -> int:
    if isinstance(entry, DisplayEntry):
        return entry.bundle.size + entry.bundle.dropped_bytes
    return entry.dropped_bytes if isinstance(entry, GapEntry) else entry.length
