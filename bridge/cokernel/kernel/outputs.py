"""Jupyter messages → outputs: what one execution put out, as a person would see it now; bounded.

`OutputBuffer` follows what notebook front ends do with streams, `clear_output` and display updates (nbclient's
`process_message` is the reference in the tests), and gives it out in two forms: as values (`snapshot`) and as one text
that is read page by page (`page`, `excerpt`; see `cokernel.kernel.transcript` for what an offset is).
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cokernel.kernel.entries import (
    Bundle,
    DisplayEntry,
    Entry,
    ErrorEntry,
    StreamEntry,
    merge,
)
from cokernel.kernel.heldtext import TextBudget
from cokernel.kernel.link import Message
from cokernel.kernel.outputtypes import DisplayOutput, ErrorOutput, Output, StreamOutput
from cokernel.kernel.terminal import EscapeFilter, plain_text, well_formed
from cokernel.kernel.tracebacks import error_text
from cokernel.kernel.transcript import ChangeLog, Excerpt, Page, Place, Transcript

__all__ = [
    "DisplayOutput",
    "ErrorOutput",
    "Excerpt",
    "Output",
    "OutputBuffer",
    "OutputLimits",
    "Page",
    "StreamOutput",
]

log = logging.getLogger(__name__)

_LAST_LINE_CHARS = 120
_ERROR_CHARS = 256_000
_LATER_ERROR_CHARS = 2_000
_WHOLE_ERRORS = 20
"""An execution has one error, or a few; only a broken kernel sends more, and theirs are cut short."""
_START = Place(0, 0)


@dataclass(frozen=True, slots=True)
class OutputLimits:
    """How much of one execution is held. Memory, in bytes, unless it says otherwise."""

    head_bytes: int = 2_000_000
    """Text of streams from the beginning."""
    tail_bytes: int = 6_000_000
    """Text of streams from the end."""
    display_bytes: int = 24_000_000
    """Mime bundles; of the oldest ones only a few words are kept beyond that."""
    outputs: int = 2_000
    """How many outputs; those in the middle become one mark beyond that."""


_DEFAULT_LIMITS = OutputLimits()


class _MalformedError(ValueError):
    """A message without what the protocol says it has."""


class OutputBuffer:
    """The outputs of one execution. Owned by one `Execution`; not thread-safe, but all that it gives out is frozen."""

    def __init__(self, limits: OutputLimits = _DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._entries: list[Entry] = []
        self._serials = 0
        self._bundles: dict[str, Bundle] = {}
        """By display id."""
        self._whole: OrderedDict[int, Bundle] = OrderedDict()
        """Bundles whose data can be dropped, oldest first."""
        self._display_bytes = 0
        self._escapes: dict[str, EscapeFilter] = {}
        self._text = TextBudget(limits.head_bytes, limits.tail_bytes)
        self._changes = ChangeLog()
        self._clear_before_next = False
        self._last_line = ""
        self.revision = 0
        """Goes up with every visible change."""
        self.malformed = 0
        """Messages that were passed over because the protocol does not know such content."""

    def add(self, message: Message) -> bool:
        """Take in a message from iopub; whether what is to be shown has changed.

        Costs the length of the message. Messages of other types change nothing; malformed ones are counted.
        """
        try:
            changed = self._take_in(message)
        except _MalformedError as error:
            self.malformed += 1
            log.debug("malformed %s: %s", message.msg_type, error)
            return False
        self.revision += changed
        return changed

    def apply_update(self, display_id: str, content: Mapping[str, Any]) -> bool:
        """Replace the data of a display, as `update_display_data` does; whether it is shown here.

        Such a message may come from another execution: whoever routes messages calls this on each buffer.
        """
        try:
            changed = self._update_display(display_id, _bundle_of(content))
        except _MalformedError as error:
            self.malformed += 1
            log.debug("malformed update_display_data: %s", error)
            return False
        self.revision += changed
        return changed

    def snapshot(self) -> tuple[Output, ...]:
        """What a person would see now, in order."""
        return tuple(
            entry.output()
            for entry in self._entries
            if not isinstance(entry, StreamEntry) or entry.length
        )

    def page(self, offset: int, limit: int) -> Page:
        """The transcript from `offset` on, at most `limit` characters.

        If what stood before `offset` has changed since that offset was handed out, the page begins at the first
        change instead and has `replaced` set. An offset past the end gives an empty page at the end.
        """
        transcript = Transcript(self._entries)
        lowest = self._changes.lowest_since(offset)
        changed_at = transcript.position(lowest.serial, lowest.inner) if lowest else offset
        replaced = changed_at < offset
        page = transcript.page(min(offset, changed_at), limit, replaced=replaced)
        self._changes.hand_out(page.next_offset)
        return page

    def excerpt(self, limit: int) -> Excerpt:
        """The whole transcript, or its head and tail if it has more than `limit` characters."""
        excerpt = Transcript(self._entries).excerpt(limit)
        self._changes.hand_out(excerpt.resume_offset)
        self._changes.hand_out(excerpt.total)
        return excerpt

    @property
    def last_line(self) -> str:
        """The last line of stream text that is not empty, blanks collapsed, at most 120 characters: for progress."""
        last = self._entries[-1] if self._entries else None
        line = (last.last_line if isinstance(last, StreamEntry) else "") or self._last_line
        line = " ".join(line[: 10 * _LAST_LINE_CHARS].split())
        return line if len(line) <= _LAST_LINE_CHARS else line[: _LAST_LINE_CHARS - 1] + "…"

    @property
    def held_bytes(self) -> int:
        """Memory of the texts and bundles that are held."""
        return self._text.held_bytes + self._display_bytes

    def _take_in(self, message: Message) -> bool:
        content = message.content
        kind = message.msg_type
        if kind in _OUTPUT_TYPES and message.dropped_bytes:
            self._begin_output()
            words = f"[an output of {message.dropped_bytes:,} bytes was too large to hold]"
            self._append_display(Bundle({"text/plain": words}, message.dropped_bytes), None, "")
            return True
        if kind == "stream":
            return self._take_stream(content)
        if kind in ("display_data", "execute_result"):
            return self._take_display(content)
        if kind == "error":
            return self._take_error(content)
        if kind == "update_display_data":
            return self._update_display(_display_id(content), _bundle_of(content))
        if kind == "clear_output":
            return self._take_clear(content)
        return False

    def _take_stream(self, content: Mapping[str, Any]) -> bool:
        text = content.get("text")
        if not isinstance(text, str):
            raise _MalformedError("no text")
        name = "stderr" if content.get("name") == "stderr" else "stdout"
        if not text:
            return False
        self._begin_output()
        place = self._stream(name).feed(well_formed(text))
        if place is not None:
            self._changes.note(place)
        return True

    def _stream(self, name: str) -> StreamEntry:
        last = self._entries[-1] if self._entries else None
        if isinstance(last, StreamEntry) and last.stream == name:
            return last
        escapes = self._escapes.setdefault(name, EscapeFilter())
        entry = StreamEntry(self._next_serial(), name, escapes, self._text)
        self._append(entry)
        return entry

    def _take_display(self, content: Mapping[str, Any]) -> bool:
        data = _bundle_of(content)
        count = content.get("execution_count")
        display_id = _display_id(content)
        self._begin_output()
        # A second display with the same id changes the first ones too.
        self._update_display(display_id, data)
        bundle = self._bundles.get(display_id) or Bundle(data)
        self._append_display(bundle, count if isinstance(count, int) else None, display_id)
        return True

    def _append_display(self, bundle: Bundle, count: int | None, display_id: str) -> None:
        serial = self._next_serial()
        if not bundle.uses:
            bundle.serial = serial
            self._display_bytes += bundle.size
            self._whole[serial] = bundle
        if display_id:
            self._bundles[display_id] = bundle
        bundle.uses += 1
        self._append(DisplayEntry(serial, bundle, count, display_id))
        self._drop_displays()

    def _update_display(self, display_id: str, data: dict[str, str]) -> bool:
        bundle = self._bundles.get(display_id)
        if bundle is None:
            return False
        self._display_bytes -= bundle.size
        bundle.replace(data)
        self._display_bytes += bundle.size
        self._whole[bundle.serial] = bundle
        self._changes.note(Place(bundle.serial, 0))
        self._drop_displays()
        return True

    def _take_error(self, content: Mapping[str, Any]) -> bool:
        earlier = sum(isinstance(entry, ErrorEntry) for entry in self._entries)
        limit = _ERROR_CHARS if earlier < _WHOLE_ERRORS else _LATER_ERROR_CHARS
        ename, evalue = _word(content, "ename", limit), _word(content, "evalue", limit)
        lines = content.get("traceback")
        if not isinstance(lines, list):
            lines = []
        traceback = plain_text("\n".join(line for line in lines if isinstance(line, str)))
        error = ErrorOutput(ename, evalue, _middle_out(traceback, limit))
        self._begin_output()
        self._append(ErrorEntry(self._next_serial(), error, error_text(error)))
        return True

    def _take_clear(self, content: Mapping[str, Any]) -> bool:
        if content.get("wait"):
            self._clear_before_next = True
            return False
        return self._clear()

    def _begin_output(self) -> None:
        if self._clear_before_next:
            self._clear_before_next = False
            self._clear()

    def _clear(self) -> bool:
        if not self._entries:
            return False
        self._entries.clear()
        self._bundles.clear()
        self._whole.clear()
        self._escapes.clear()
        self._display_bytes = 0
        self._text = TextBudget(self._limits.head_bytes, self._limits.tail_bytes)
        self._last_line = ""
        self._changes.note(_START)
        return True

    def _next_serial(self) -> int:
        self._serials += 1
        return self._serials

    def _append(self, entry: Entry) -> None:
        last = self._entries[-1] if self._entries else None
        if isinstance(last, StreamEntry):
            self._last_line = last.last_line or self._last_line
            last.close()
        self._entries.append(entry)
        if len(self._entries) > self._limits.outputs:
            self._merge_middle()

    def _merge_middle(self) -> None:
        """Turn half of the outputs, those after the first quarter, into one mark: seldom, because it reads them."""
        start = self._limits.outputs // 4
        stop = start + max(2, self._limits.outputs // 2)
        merged = self._entries[start:stop]
        self._entries[start:stop] = [merge(merged, Transcript(self._entries[:stop]))]
        for entry in merged:
            if isinstance(entry, StreamEntry):
                entry.let_go()
            elif isinstance(entry, DisplayEntry):
                self._release(entry)

    def _release(self, entry: DisplayEntry) -> None:
        bundle = entry.bundle
        bundle.uses -= 1
        if bundle.uses:
            return
        self._display_bytes -= bundle.size
        self._whole.pop(bundle.serial, None)
        if self._bundles.get(entry.display_id) is bundle:
            del self._bundles[entry.display_id]

    def _drop_displays(self) -> None:
        while self._display_bytes > self._limits.display_bytes and self._whole:
            _, bundle = self._whole.popitem(last=False)
            self._display_bytes -= bundle.size
            bundle.drop_data()
            self._display_bytes += bundle.size


_OUTPUT_TYPES = ("stream", "display_data", "execute_result", "error")


def _display_id(content: Mapping[str, Any]) -> str:
    transient = content.get("transient")
    found = transient.get("display_id") if isinstance(transient, Mapping) else None
    return found if isinstance(found, str) else ""


def _bundle_of(content: Mapping[str, Any]) -> dict[str, str]:
    data = content.get("data")
    if not isinstance(data, Mapping):
        raise _MalformedError("no data")
    return {str(mime): _mime_text(str(mime), value) for mime, value in data.items()}


def _mime_text(mime: str, value: object) -> str:
    if (
        isinstance(value, list)
        and all(isinstance(line, str) for line in value)
        and "json" not in mime
    ):
        value = "".join(value)
    if isinstance(value, str):
        return plain_text(value) if mime == "text/plain" else well_formed(value)
    try:
        return well_formed(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError) as error:
        raise _MalformedError(f"{mime}: {type(error).__name__}") from error


def _word(content: Mapping[str, Any], key: str, limit: int) -> str:
    value = content.get(key)
    return _middle_out(plain_text(value), limit) if isinstance(value, str) else ""


def _middle_out(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"
