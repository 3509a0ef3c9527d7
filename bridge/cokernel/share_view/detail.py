"""One call in full: its code, its output, how it ended and what it changed; or the question whether it may run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.highlight import highlight
from textual.widgets import Static

from cokernel.host import Activity, ErrorOutput, Kind, Output, State, visible_code
from cokernel.session.words import question_words
from cokernel.share_view import words

TAIL_LINES = 200
"""Of each output; the whole is in the kernel's owner's hands."""


class Detail(VerticalScroll):
    """The selected call."""

    def __init__(self) -> None:
        super().__init__(id="detail")
        self._text = Static()
        self._call: Activity | None = None

    def compose(self) -> ComposeResult:
        yield self._text

    def show(
        self, call: Activity | None, outputs: Sequence[Output], now: float, elsewhere: str
    ) -> None:
        """Draw a call. One that goes on stays at the end of its output, unless the reader has scrolled up.

        `elsewhere` is the call's kernel if it is not the shared one.
        """
        same = self._call is not None and call is not None and self._call.number == call.number
        self._call = call
        self._text.update(describe(call, outputs, now, elsewhere) if call else Content(""))
        if not same:
            goes_on = call is not None and not call.state.is_final
            self.anchor(goes_on)
            if not goes_on:
                self.scroll_home(animate=False)


class ApprovalQuestion(VerticalScroll):
    """A call that waits for the person, with the whole of what it would run."""

    def __init__(self) -> None:
        super().__init__(id="approval")
        self._text = Static()
        self.approval = ""
        """The one that is in view; empty if none is."""
        self.in_view_since = 0.0
        """Monotonic seconds."""

    def compose(self) -> ComposeResult:
        yield self._text

    def ask(self, call: Activity, waiting: int) -> None:
        """Show the question; `waiting` counts this and later ones."""
        if call.approval != self.approval:
            self.approval, self.in_view_since = call.approval, time.monotonic()
            self.scroll_home(animate=False)
        self._text.update(question(call, waiting))

    def clear(self) -> None:
        """Nobody asks any more."""
        self.approval = ""


def describe(call: Activity, outputs: Sequence[Output], now: float, elsewhere: str = "") -> Content:
    """Everything about a call, as the model has it."""
    parts = [_headline(call, now, elsewhere), _code(call)]
    parts += [_output(output) for output in outputs if not isinstance(output, ErrorOutput)]
    if call.error is not None:
        summary = f"{call.error.ename}: {call.error.evalue}"
        text = call.error.traceback.rstrip() or summary
        parts.append(Content.styled(_tail(text), "$text-error"))
    if call.changes:
        parts.append(_changes(call))
    return Content("\n\n").join([part for part in parts if part])


def question(call: Activity, waiting: int) -> Content:
    """`Claude Code wants to run this in Console 1/A`, and the whole code."""
    title = Content.styled(question_words(call), "bold $text-warning")
    if waiting > 1:
        title += Content.styled(f"   1 of {waiting}", "$quiet")
    asked = highlight(call.code, language="python") if call.kind is Kind.RUN else Content(call.code)
    return Content("\n\n").join([title, asked])


def _headline(call: Activity, now: float, elsewhere: str) -> Content:
    facts = [
        words.call_state(call),
        f"In [{call.execution_count}]" if call.execution_count is not None else "",
        words.call_duration(call, now),
        call.client,
        f"in {elsewhere}" if elsewhere else "",
        "in the background" if call.background else "",
        call.reason if call.state is not State.QUEUED else "",
    ]
    return Content.styled(" · ".join(fact for fact in facts if fact), "$quiet")


def _code(call: Activity) -> Content:
    if call.kind is Kind.RUN:
        return highlight(call.code, language="python")
    return Content.assemble((call.tool, "bold"), " ", call.code)


def _output(output: Output) -> Content:
    return Content(visible_code(_tail(words.output_text(output))))


def _tail(text: str) -> str:
    lines = text.split("\n")
    if len(lines) <= TAIL_LINES:
        return text
    return "\n".join([f"… {len(lines) - TAIL_LINES:,} lines above …", *lines[-TAIL_LINES:]])


def _changes(call: Activity) -> Content:
    said = [
        Content.assemble((f"{how}: ", "$quiet"), names)
        for how, names in words.changes(call.changes)
    ]
    separator = "   " if sum(cell_len(part.plain) for part in said) < 60 else "\n"
    return Content(separator).join(said)
