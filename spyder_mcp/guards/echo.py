"""What agents run appears in the console, marked, and without harm.

qtconsole can show what other clients run (`ConsoleWidget.include_other_output`), but as it stands

* text that arrives while the input line is not empty ends up *in* it and is run with the user's next Enter
  (console_widget.py, `_insert_plain_text`: its 'newline' action looks for the prompt at the very end of the document);
* each line is inserted by itself: 20,000 printed lines freeze the window for seconds (`insertion.py`);
* with the echo off, tracebacks still appear, without the code they belong to (jupyter_widget.py,
  `_process_execute_error` does not ask `include_output`).

So each message of an agent is shown with the input line set aside, text is gathered, bounded and shown in pieces with
a turn of the window's loop after each, and with the echo off nothing of an agent's is shown at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtGui import QTextCursor

from spyder_mcp.backend.consoles import ShellWidget
from spyder_mcp.guards.attribution import Attribution
from spyder_mcp.guards.gathered import Gathered, cut
from spyder_mcp.guards.insertion import lines_together
from spyder_mcp.guards.overrides import Handler, Message, Overrides

PREFIX = "[Claude] "
GATHER_MS = 100
LAYOUT_MS = 1000
"""For how long after an echo the document may still grow."""
SHOWN_TYPES = ("execute_result", "display_data", "clear_output")


class EchoGuard(QObject):
    """The echo in one console, for as long as it is shared."""

    def __init__(
        self, shellwidget: ShellWidget, attribution: Attribution, *, echo: bool, max_lines: int
    ) -> None:
        super().__init__()
        self._shellwidget = shellwidget
        self._attribution = attribution
        self._echo = echo
        self._gathered = Gathered(max_lines)
        self._due: deque[tuple[Message, Handler]] = deque()
        """What will be shown, in this order."""
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.setInterval(0)
        self._next.timeout.connect(self._show_next)
        self._flush_timer = QTimer(self)
        self._flush_timer.setSingleShot(True)
        self._flush_timer.setInterval(GATHER_MS)
        self._flush_timer.timeout.connect(self._flush)
        self._end = _EndOfConsole(shellwidget)
        self._overrides = Overrides(shellwidget)
        self._install()

    def set_echo(self, echo: bool, max_lines: int) -> None:
        """Show what agents run, up to so many lines of output for each run, or nothing of it."""
        self._echo = echo
        self._gathered.max_lines = max_lines

    def remove(self) -> None:
        """Leave the console as it was."""
        self._flush_timer.stop()
        self._flush()
        self._next.stop()
        while self._due:
            self._show(*self._due.popleft())
        self._end.let_go()
        self._overrides.remove()

    # ---- messages

    def _install(self) -> None:
        self._overrides.put("execute_input", self._take_input)
        self._overrides.put("stream", self._take_stream)
        self._overrides.put("error", self._take_other)
        for msg_type in SHOWN_TYPES:
            self._overrides.put(msg_type, self._take_other)

    def _take_input(self, message: Message, handler: Handler) -> None:
        if self._attribution.is_agents(message):
            self._flush()
            self._gathered.begin_run()
        self._take_other(message, handler)

    def _take_stream(self, message: Message, handler: Handler) -> None:
        if not self._attribution.is_agents(message):
            handler(message)
            return
        if not self._echo:
            return
        if not self._gathered.takes(message):
            self._flush()
        self._gathered.add(message, handler)
        if not self._flush_timer.isActive():
            self._flush_timer.start()

    def _take_other(self, message: Message, handler: Handler) -> None:
        if not self._attribution.is_agents(message):
            handler(message)
            return
        self._flush()
        if self._echo or _is_figure(message):
            self._due.append((cut(message), handler))
            self._go_on()

    def _flush(self) -> None:
        self._due.extend(self._gathered.take())
        self._go_on()

    def _go_on(self) -> None:
        if not self._next.isActive():
            self._show_next()

    def _show_next(self) -> None:
        if self._due:
            self._show(*self._due.popleft())
        if self._due:
            self._next.start()

    # ---- showing

    def _show(self, message: Message, handler: Handler) -> None:
        shellwidget = self._shellwidget
        if shellwidget.kernel_client is None:  # the kernel is being replaced
            return
        with self._including_agents(), _input_set_aside(shellwidget), lines_together(shellwidget):
            handler(message)
            shellwidget._flush_pending_stream()
        self._end.keep()

    @contextmanager
    def _including_agents(self) -> Iterator[None]:
        """qtconsole's own switch, on for this one message."""
        shellwidget = self._shellwidget
        before = shellwidget.include_other_output, shellwidget.other_output_prefix
        shellwidget.include_other_output, shellwidget.other_output_prefix = self._echo, PREFIX
        try:
            yield
        finally:
            shellwidget.include_other_output, shellwidget.other_output_prefix = before


class _EndOfConsole(QObject):
    """Keeps the end in view while something is echoed, unless its reader has scrolled away.

    qtconsole scrolls after plain text only, and lays out what is above later, in steps.
    """

    def __init__(self, shellwidget: ShellWidget) -> None:
        super().__init__()
        self._shellwidget = shellwidget
        self._bar = shellwidget._control.verticalScrollBar()
        self._reader_is_away = False
        self._layout_goes_on = QTimer(self)
        self._layout_goes_on.setSingleShot(True)
        self._layout_goes_on.setInterval(LAYOUT_MS)
        # Of a person's own moves only; setting a value makes no action.
        self._bar.actionTriggered.connect(self._note_reader)
        self._bar.rangeChanged.connect(self._scroll)

    def keep(self) -> None:
        """Something was echoed just now."""
        self._layout_goes_on.start()
        self._scroll()

    def let_go(self) -> None:
        self._layout_goes_on.stop()
        self._bar.actionTriggered.disconnect(self._note_reader)
        self._bar.rangeChanged.disconnect(self._scroll)

    def _note_reader(self) -> None:
        # qtconsole leaves an empty page below the end, so that a cleared prompt can stand at the top.
        self._reader_is_away = (
            self._bar.sliderPosition() < self._bar.maximum() - self._bar.pageStep()
        )

    def _scroll(self) -> None:
        cursor = self._shellwidget._control.textCursor()
        is_reading = self._reader_is_away or not self._shellwidget._in_buffer(cursor.position())
        if self._layout_goes_on.isActive() and not is_reading:
            self._shellwidget._scroll_to_end()


def _is_figure(message: Message) -> bool:
    """Figures reach the Plots pane through the console's handler, also without echo."""
    return message["header"]["msg_type"] == "display_data" and any(
        mime.startswith("image/") for mime in message["content"]["data"]
    )


@contextmanager
def _input_set_aside(shellwidget: ShellWidget) -> Iterator[None]:
    """An empty input line, then the user's text again with cursor and selection where they were."""
    if shellwidget._executing or shellwidget._reading or not shellwidget.input_buffer:
        yield
        return
    text = shellwidget.input_buffer
    place = _Place.of(shellwidget)
    shellwidget.input_buffer = ""
    try:
        yield
    finally:
        shellwidget.input_buffer = text
        if place is not None:
            place.restore(shellwidget)


class _Place:
    """Cursor and selection in the input line, counted from its end: text comes in before it."""

    def __init__(self, position: int, anchor: int) -> None:
        self._position = position
        self._anchor = anchor

    @classmethod
    def of(cls, shellwidget: ShellWidget) -> _Place | None:
        """None if they are elsewhere: then the reader's place is left alone."""
        cursor = shellwidget._control.textCursor()
        inside = shellwidget._in_buffer(cursor.position()) and shellwidget._in_buffer(
            cursor.anchor()
        )
        end = shellwidget._get_end_pos()
        return cls(end - cursor.position(), end - cursor.anchor()) if inside else None

    def restore(self, shellwidget: ShellWidget) -> None:
        end = shellwidget._get_end_pos()
        cursor: Any = shellwidget._control.textCursor()
        cursor.setPosition(end - self._anchor)
        cursor.setPosition(end - self._position, QTextCursor.MoveMode.KeepAnchor)
        shellwidget._control.setTextCursor(cursor)
