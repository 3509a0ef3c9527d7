"""Text for the console, gathered and cut: so many lines at once, so many for each run."""

from __future__ import annotations

from typing import Any

from spyder_mcp.guards.overrides import Handler, Message
from spyder_mcp.translation import _

MAX_CHARS_PER_RUN = 200_000
LINES_AT_ONCE = 50
MAX_LINE_CHARS = 2000
"""A line of a hundred thousand characters takes seconds to be laid out."""
TRACEBACK_LINES = (10, 40)
"""From its beginning and its end: an endless recursion makes three thousand."""


class Gathered:
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

    def take(self) -> list[tuple[Message, Handler]]:
        """All of it, as messages that can each be shown at once; none if there is nothing to show."""
        message, handler = self._message, self._handler
        text = self._bounded("".join(self._texts))
        self._message, self._handler, self._texts = None, None, []
        if message is None or handler is None:
            return []
        return [(_with(message, text=piece), handler) for piece in _pieces(text)]

    def _bounded(self, text: str) -> str:
        if self._is_cut:
            return ""
        lines = [_short(line) for line in _lines(text)]
        room = self.max_lines - self._lines
        shown = "".join(lines[:room])[: MAX_CHARS_PER_RUN - self._chars]
        self._lines += text.count("\n")
        self._chars += sum(map(len, lines))
        self._is_cut = len(lines) > room or self._chars > MAX_CHARS_PER_RUN
        return shown + _cut_note(shown) if self._is_cut else shown


def _cut_note(shown: str) -> str:
    newline = "" if not shown or shown.endswith("\n") else "\n"
    return newline + _("… the rest is in the Claude pane.") + "\n"


def cut(message: Message) -> Message:
    """Code, a result or a traceback, as far as it can be shown at once."""
    content = message["content"]
    if "code" in content:
        return _with(message, code=_first_lines(content["code"]))
    if "traceback" in content:
        return _with(message, traceback=_ends("\n".join(content["traceback"])))
    data = content.get("data", {})
    if "text/plain" not in data:
        return message
    return _with(message, data=dict(data, **{"text/plain": _first_lines(data["text/plain"])}))


def _first_lines(text: str) -> str:
    lines = [_short(line) for line in _lines(text)]
    shown = "".join(lines[:LINES_AT_ONCE])
    return shown + _cut_note(shown).rstrip("\n") if len(lines) > LINES_AT_ONCE else shown


def _ends(traceback: str) -> list[str]:
    lines = [_short(line) for line in traceback.split("\n")]
    first, last = TRACEBACK_LINES
    if len(lines) <= first + last:
        return lines
    return [*lines[:first], _cut_note("").rstrip("\n"), *lines[-last:]]


def _short(line: str) -> str:
    """Of a progress bar's line what it says last, of any other its beginning."""
    if len(line) <= MAX_LINE_CHARS:
        return line
    body, newline = line.removesuffix("\n"), "\n" if line.endswith("\n") else ""
    _before, carriage_return, last = body.rstrip("\r").rpartition("\r")
    return f"{carriage_return}{last[:MAX_LINE_CHARS]}{'' if carriage_return else '…'}{newline}"


def _pieces(text: str) -> list[str]:
    lines = _lines(text)
    starts = range(0, len(lines), LINES_AT_ONCE)
    return ["".join(lines[start : start + LINES_AT_ONCE]) for start in starts]


def _lines(text: str) -> list[str]:
    """At newlines only: a progress bar writes its one line anew with each carriage return."""
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _with(message: Message, **changed: Any) -> Message:
    return dict(message, content=dict(message["content"], **changed))
