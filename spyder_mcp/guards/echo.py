"""What agents run appears in the console, marked, and without harm.

qtconsole can show what other clients run (`ConsoleWidget.include_other_output`), but as it stands

* text that arrives while the input line is not empty ends up *in* it and is run with the user's next Enter
  (console_widget.py, `_insert_plain_text`: its 'newline' action looks for the prompt at the very end of the document);
* each line is laid out by itself: 20,000 printed lines freeze the window for seconds;
* with the echo off, tracebacks still appear, without the code they belong to (jupyter_widget.py,
  `_process_execute_error` does not ask `include_output`).

So each message of an agent is shown with the input line set aside, text is gathered and bounded, and with the echo off
nothing of an agent's is shown at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qtpy.QtCore import QObject, QTimer
from qtpy.QtGui import QTextCursor

from spyder_mcp.backend.consoles import ShellWidget
from spyder_mcp.guards.attribution import Attribution
from spyder_mcp.guards.overrides import Handler, Message, Overrides
from spyder_mcp.translation import _

PREFIX = "[Claude] "
GATHER_MS = 100
MAX_CHARS_PER_RUN = 200_000
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
        self._gathered = _Gathered(max_lines)
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
            self._show(message, handler)

    def _flush(self) -> None:
        gathered = self._gathered.take()
        if gathered is not None:
            self._show(*gathered)

    # ---- showing

    def _show(self, message: Message, handler: Handler) -> None:
        shellwidget = self._shellwidget
        if shellwidget.kernel_client is None:  # the kernel is being replaced
            return
        with self._including_agents(), _input_set_aside(shellwidget):
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


class _Gathered:
    """Text of one stream that has not been shown yet, and how much of its run has been."""

    def __init__(self, max_lines: int) -> None:
        self.max_lines = max_lines
        self._message: Message | None = None
        self._handler: Handler | None = None
        self._texts: list[str] = []
        self._lines = 0
        self._chars = 0
        self._is_cut = False

    def begin_run(self) -> None:
        self._lines = self._chars = 0
        self._is_cut = False

    def takes(self, message: Message) -> bool:
        """Whether it is of the stream that is being gathered."""
        return self._message is None or (
            self._message["content"]["name"] == message["content"]["name"]
        )

    def add(self, message: Message, handler: Handler) -> None:
        self._message, self._handler = message, handler
        if not self._is_cut:
            self._texts.append(message["content"]["text"])

    def take(self) -> tuple[Message, Handler] | None:
        """All of it as one message; None if there is nothing to show."""
        message, handler = self._message, self._handler
        text = self._bounded("".join(self._texts))
        self._message, self._handler, self._texts = None, None, []
        if message is None or handler is None or not text:
            return None
        content = dict(message["content"], text=text)
        return dict(message, content=content), handler

    def _bounded(self, text: str) -> str:
        if self._is_cut:
            return ""
        lines = text.splitlines(keepends=True)
        room = self.max_lines - self._lines
        shown = "".join(lines[:room])[: MAX_CHARS_PER_RUN - self._chars]
        self._lines += text.count("\n")
        self._chars += len(text)
        self._is_cut = len(shown) < len(text)
        return shown + _cut_note(shown) if self._is_cut else text


def _cut_note(shown: str) -> str:
    newline = "" if not shown or shown.endswith("\n") else "\n"
    return newline + _("… the rest is in the Claude pane.") + "\n"


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
