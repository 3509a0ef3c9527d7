"""The list of calls: one line each, newest last, as long as need be; only the lines in sight are drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cokernel.host import Activity, Kind, State
from cokernel.session.words import STATE_WORDS
from cokernel.share_view import words
from cokernel.share_view.model import ShareModel

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINS_PER_S = 8
NARROW = 64
"""Below this many columns a mark stands for the state and the time goes."""

MARKS = {
    State.QUEUED: "·",
    State.WAITING_APPROVAL: "?",
    State.WAITING_INPUT: "?",
    State.OK: "✓",
    State.ERROR: "✗",
    State.INTERRUPTED: "■",
    State.ABORTED: "–",
    State.DENIED: "–",
    State.RESTARTED: "!",
    State.LOST: "!",
    State.FAILED: "✗",
}
_TONES = {
    State.OK: "good",
    State.ERROR: "bad",
    State.FAILED: "bad",
    State.LOST: "bad",
    State.RESTARTED: "bad",
    State.RUNNING: "live",
    State.WAITING_APPROVAL: "ask",
    State.WAITING_INPUT: "ask",
}


class CallList(ScrollView, can_focus=True):
    """Shows a `ShareModel`'s calls. Follows the newest until the reader moves away from the end."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"call--{tone}" for tone in ("text", "quiet", "good", "bad", "live", "ask", "cursor")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]

    class Selected(Message):
        """Another call is the selected one."""

    def __init__(self, model: ShareModel, clock: Callable[[], float] = time.time) -> None:
        super().__init__(id="calls")
        self._model = model
        self._clock = clock
        self._cursor = -1
        self._follows = True

    @property
    def selected(self) -> Activity | None:
        """The call under the cursor."""
        return self._model.call_at(self._cursor)

    @property
    def follows(self) -> bool:
        """Whether the newest call is selected as it comes."""
        return self._follows

    def model_changed(self) -> None:
        """Draw what is there now."""
        rows = len(self._model)
        self.virtual_size = Size(self.size.width, rows)
        if self._follows or self._cursor >= rows:
            self._move_to(rows - 1)
        self.refresh()

    def tick(self) -> None:
        """Draw the lines of unfinished calls again: spinners turn and seconds pass."""
        top = self.scroll_offset.y
        for y in range(self.size.height):
            call = self._model.call_at(top + y)
            if call is not None and not call.state.is_final:
                self.refresh(Region(0, y, self.size.width, 1))

    # -- moving

    def action_move(self, rows: int) -> None:
        self._move_by_hand(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        self._move_by_hand(self._cursor + pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self._move_by_hand(0)

    def action_last(self) -> None:
        self._move_by_hand(len(self._model) - 1)

    def on_click(self, event: object) -> None:
        y = getattr(event, "y", 0)
        if self._model.call_at(self.scroll_offset.y + y):
            self._move_by_hand(self.scroll_offset.y + y)

    def _move_by_hand(self, row: int) -> None:
        last = len(self._model) - 1
        self._move_to(max(0, min(row, last)))
        self._follows = self._cursor == last

    def _move_to(self, row: int) -> None:
        moved = row != self._cursor
        self._cursor = row
        if row >= 0:
            self.scroll_to_region(Region(0, row, 1, 1), animate=False, force=True, immediate=True)
        if moved:
            self.refresh()
            self.post_message(self.Selected())

    # -- drawing

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y
        call = self._model.call_at(row)
        width = self.size.width
        if call is None:
            return Strip.blank(width, self.rich_style)
        background = self._background(row)
        segments = [
            Segment(text, self.rich_style + self._tone(tone) + background)
            for text, tone in self._columns(call, width)
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style + background)

    def _background(self, row: int) -> Style:
        if row != self._cursor:
            return Style.null()
        return self.get_component_rich_style("call--cursor", partial=True)

    def _tone(self, tone: str) -> Style:
        return self.get_component_rich_style(f"call--{tone}", partial=True)

    def _columns(self, call: Activity, width: int) -> list[tuple[str, str]]:
        """Text and tone of each part of a line; together `width` columns."""
        quiet = call.kind is not Kind.RUN
        tone = "quiet" if quiet and call.state is State.OK else _TONES.get(call.state, "quiet")
        left = [(f" {self._mark(call)} ", tone)]
        if width >= NARROW:
            left.insert(0, (f" {words.clock(call.created_at)} ", "quiet"))
            left.append((set_cell_size(STATE_WORDS[call.state], 17), tone))
        right = f"{words.call_duration(call, self._clock()):>12} "
        if self._model.has_several_clients and width >= NARROW:
            right = f"  {set_cell_size(call.client, 14)}{right}"
        room = width - sum(cell_len(text) for text, _ in left) - cell_len(right)
        title = words.call_title(call)
        if elsewhere := self._model.elsewhere(call):
            title = f"{elsewhere} › {title}"
        title = _fit(title, max(0, room))
        return [*left, (title, "quiet" if quiet else "text"), (right, "quiet")]

    def _mark(self, call: Activity) -> str:
        if call.state is State.RUNNING:
            return SPINNER[int(self._clock() * SPINS_PER_S) % len(SPINNER)]
        return MARKS[call.state]


def _fit(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, max(0, width - 1)) + "…" if width else ""
