"""The transcript of an execution: its outputs as one text with stable positions, read page by page.

An *offset* is a character position in the transcript. It stays valid while output only grows, also when the middle
of a long output is not held any more: positions count every character that was ever there.

Where output that was already handed out is replaced (a progress bar drawn over, `clear_output`, an updated display),
the next page begins at the changed place and says so. To know that from a bare number, `ChangeLog` remembers when each
offset was handed out, and the lowest place that changed since.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from cokernel.kernel.heldtext import Gap


class PageImage(NamedTuple):
    """An image whose line stands in the text of a page."""

    number: int
    """As in its line, `[image 1: 640×480 png, 21 kB]`; counts from 1 in one execution."""
    mime: str
    data: str
    """Base64, as on the wire."""
    offset: int
    """Where its line begins in the transcript."""


class Page(NamedTuple):
    """A part of the transcript."""

    text: str
    """What is not held any more stands in it as a line in brackets."""
    offset: int
    """Where it begins: the offset that was asked for, or an earlier one if `replaced`, or the end if that is nearer."""
    next_offset: int
    """Ask with this one for what follows."""
    total: int
    """Length of the whole transcript so far."""
    replaced: bool = False
    """Output before the offset that was asked for has changed since; this page begins at the first change."""
    missing: int = 0
    """Characters of this part that are not held any more."""
    images: tuple[PageImage, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether it reaches to the end of what there is now."""
        return self.next_offset >= self.total


class Excerpt(NamedTuple):
    """A transcript cut down to a length: all of it, or its head and its tail."""

    head: str
    tail: str
    """Empty if `head` is all."""
    left_out_chars: int
    left_out_lines: int
    resume_offset: int
    """The offset at which `head` ends: ask with it for the rest."""
    total: int
    images: tuple[PageImage, ...] = ()


class Flow(NamedTuple):
    """How the text stands where a block ends; what the lead of the next one depends on."""

    stream: str = "stdout"
    """The stream that was named last."""
    line_ended: bool = True


class Block(Protocol):
    """One output's part of the transcript."""

    @property
    def serial(self) -> int:
        """Goes up with each output; never used again."""
        ...

    @property
    def stream(self) -> str:
        """`stdout`, `stderr`, or empty if it is no stream."""
        ...

    @property
    def length(self) -> int:
        """Characters, held or not."""
        ...

    @property
    def gap(self) -> Gap: ...

    @property
    def ends_line(self) -> bool:
        """Whether the last character is a newline."""
        ...

    @property
    def image_label(self) -> str:
        """Such as `640×480 png, 21 kB`; empty if it is no image."""
        ...

    @property
    def image(self) -> tuple[str, str] | None:
        """Mime type and base64 data of its image; None if there is none or it is not held any more."""
        ...

    @property
    def merged_flow(self) -> Flow | None:
        """If it stands for many blocks, the flow after the last of them; their leads are part of its length."""
        ...

    def read(self, start: int, stop: int) -> str:
        """What is held between two positions."""
        ...


class _Placed(NamedTuple):
    """A block where it stands: a lead that parts it from the one before, its text, the line that names its image."""

    start: int
    lead: str
    block: Block
    length: int
    """Of the block's own text."""
    gap: Gap
    image_line: str
    image_number: int
    flow: Flow

    @property
    def body_start(self) -> int:
        return self.start + len(self.lead)

    @property
    def end(self) -> int:
        return self.start + len(self.lead) + self.length + len(self.image_line)

    @property
    def gap_start(self) -> int:
        return self.body_start + self.gap.start

    @property
    def gap_end(self) -> int:
        return self.gap_start + self.gap.chars

    def read(self, start: int, stop: int) -> str:
        """What is held between two positions of the transcript."""
        tail_start = self.body_start + self.length
        lead = _between(self.lead, self.start, start, stop)
        body = self.block.read(max(0, start - self.body_start), max(0, stop - self.body_start))
        return lead + body + _between(self.image_line, tail_start, start, stop)

    def images(self) -> Iterator[PageImage]:
        if self.image_line and (image := self.block.image):
            offset = self.end - len(self.image_line.lstrip("\n"))
            yield PageImage(self.image_number, *image, offset)


def _between(text: str, position: int, start: int, stop: int) -> str:
    return text[max(0, start - position) : max(0, stop - position)]


def _lay_out(blocks: Iterable[Block]) -> Iterator[_Placed]:
    position = images = 0
    flow = Flow()
    for block in blocks:
        length = block.length
        label = block.image_label
        images += bool(label)
        if not length and not label:
            continue
        image_line = ""
        if label:
            newline = "\n" if length and not block.ends_line else ""
            image_line = f"{newline}[image {images}: {label}]"
        lead = "" if block.merged_flow else _lead(block, flow)
        line_ended = block.ends_line and not image_line
        flow = block.merged_flow or Flow(block.stream or flow.stream, line_ended)
        yield _Placed(position, lead, block, length, block.gap, image_line, images, flow)
        position += len(lead) + length + len(image_line)


def _lead(block: Block, before: Flow) -> str:
    newline = "" if before.line_ended else "\n"
    named = f"[{block.stream}]\n" if block.stream not in ("", before.stream) else ""
    return newline + named


class Span(NamedTuple):
    """A stretch of whole blocks."""

    chars: int
    lines: int
    flow: Flow
    """After the last of them."""


class Transcript:
    """The blocks of an execution laid out one after the other, as they are at this moment."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._placed = list(_lay_out(blocks))
        self.total = self._placed[-1].end if self._placed else 0
        """Length in characters, held or not."""

    def position(self, serial: int, inner: int) -> int:
        """Where a place in a block is now: its beginning if the block was merged into another."""
        index = bisect_right([placed.block.serial for placed in self._placed], serial) - 1
        if index < 0:
            return 0
        placed = self._placed[index]
        if placed.block.serial != serial:
            return placed.start if placed.gap.chars else placed.end
        return placed.body_start + inner if inner else placed.start

    def span(self, first_serial: int, last_serial: int) -> Span:
        """What two blocks and all between them take up."""
        among = [p for p in self._placed if first_serial <= p.block.serial <= last_serial]
        if not among:
            return Span(0, 0, Flow())
        start, stop = among[0].start, among[-1].end
        return Span(stop - start, self._lines_between(start, stop), among[-1].flow)

    def page(self, offset: int, limit: int, *, replaced: bool = False) -> Page:
        """At most `limit` characters from `offset` on; what is not held is named and does not count."""
        position = offset = max(0, min(offset, self.total))
        left = limit
        text: list[str] = []
        images: list[PageImage] = []
        missing = 0
        for placed in self._placed:
            if placed.end <= position or left <= 0:
                continue
            for stop, held in _stretches(placed):
                if stop <= position or left <= 0:
                    continue
                if held:
                    stop = min(stop, position + left)
                    text.append(placed.read(position, stop))
                    left -= stop - position
                else:
                    missing += stop - position
                    text.append(_gap_line(stop - position))
                position = stop
            if position == placed.end:
                images.extend(placed.images())
        return Page("".join(text), offset, position, self.total, replaced, missing, tuple(images))

    def excerpt(self, limit: int) -> Excerpt:
        """All of it if it is short enough, else its head (two fifths) and its tail, cut at ends of lines."""
        images = tuple(image for placed in self._placed for image in placed.images())
        whole = self.page(0, limit)
        if whole.is_last:
            return Excerpt(whole.text, "", 0, 0, self.total, self.total, images)
        head, head_end = self._head(limit * 2 // 5)
        tail, tail_start = self._tail(limit - len(head), head_end)
        left_out_lines = self._lines_between(head_end, tail_start)
        left_out = tail_start - head_end
        return Excerpt(head, tail, left_out, left_out_lines, head_end, self.total, images)

    def _head(self, limit: int) -> tuple[str, int]:
        page = self.page(0, limit)
        cut = page.text.rfind("\n", len(page.text) * 3 // 4) + 1 or len(page.text)
        return page.text[:cut], page.next_offset - (len(page.text) - cut)

    def _tail(self, limit: int, not_before: int) -> tuple[str, int]:
        start = max(not_before, self.total - limit)
        page = self.page(start, limit)
        cut = 0 if page.missing else page.text.find("\n", 0, len(page.text) // 4) + 1
        return page.text[cut:], start + cut

    def _lines_between(self, start: int, stop: int) -> int:
        lines = 0
        for placed in self._placed:
            if placed.start < stop and placed.end > start:
                lines += placed.read(start, stop).count("\n")
                if start <= placed.gap_start < stop:
                    lines += placed.gap.lines
        return lines


def _stretches(placed: _Placed) -> Iterator[tuple[int, bool]]:
    """Where each stretch of a placed block stops, and whether it is held."""
    if placed.gap.chars:
        yield placed.gap_start, True
        yield placed.gap_end, False
    yield placed.end, True


def _gap_line(chars: int) -> str:
    return f"\n[… {chars:,} characters are not held any more …]\n"


class Place(NamedTuple):
    """A place in the output that does not move when earlier outputs grow or shrink."""

    serial: int
    inner: int
    """Characters from the beginning of that output's own text."""


class ChangeLog:
    """Which places changed after they were shown, and when each offset was handed out."""

    _CHANGES = 1_000
    _OFFSETS = 256

    def __init__(self) -> None:
        self._moments: list[int] = []
        self._places: list[Place] = []
        """Parallel to `_moments`, strictly increasing: a later change at a lower place covers those above it."""
        self._now = 0
        self._handed_out: dict[int, int] = {}

    def note(self, place: Place) -> None:
        """What stood at `place` and all that followed it may differ from now on."""
        self._now += 1
        while self._places and self._places[-1] >= place:
            self._places.pop()
            self._moments.pop()
        self._places.append(place)
        self._moments.append(self._now)
        if len(self._places) > self._CHANGES:
            # The two oldest become one change: the lower place at the later moment.
            del self._places[1], self._moments[0]

    def hand_out(self, offset: int) -> None:
        """The reader has everything before `offset` as it is now."""
        self._handed_out.pop(offset, None)
        self._handed_out[offset] = self._now
        if len(self._handed_out) > self._OFFSETS:
            del self._handed_out[next(iter(self._handed_out))]

    def lowest_since(self, offset: int) -> Place | None:
        """The lowest place that changed since `offset` was handed out; None if none did or it never was."""
        moment = self._handed_out.get(offset)
        if moment is None:
            return None
        index = bisect_right(self._moments, moment)
        return self._places[index] if index < len(self._places) else None
