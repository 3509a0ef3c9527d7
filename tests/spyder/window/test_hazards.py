"""The three ways in which an agent could harm the user's console, each measured before there were guards."""

from __future__ import annotations

import time
from typing import Any

import pytest
from agent import Agent, awaited, settled
from driving import current, share, text_of
from qtpy.QtCore import QTimer
from qtpy.QtGui import QTextCursor

from spyder_mcp.guards.gathered import LINES_AT_ONCE
from spyder_mcp.guards.insertion import lines_together

pytestmark = [pytest.mark.slow, pytest.mark.live]

LONGEST_GAP_S = 0.1
LONG = {
    "result": "list(range(5000))",
    "code": "\n".join(f"value_{n} = {n}" for n in range(1500)),
    "one line": "print('x' * 300_000)",
    "traceback": "def f(): f()\nf()",
}
TEXTS = (
    "one\n",
    "one\ntwo\n",
    "no newline at the end\nof this",
    "\x1b[31mred\nstill red\x1b[0m\nplain\n",
    "50 %\r100 %\ndone\n",
    "wrong\b\b\nright\n",
    "\n\n\n",
)


def test_half_typed_input_survives_an_agents_output(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    console = current(window)
    console.input_buffer = "half = 'typed"
    cursor = console._control.textCursor()
    cursor.movePosition(cursor.MoveOperation.Left, cursor.MoveMode.MoveAnchor, 3)
    console._control.setTextCursor(cursor)
    place = console._get_end_pos() - console._control.textCursor().position()
    with Agent() as agent:
        code = "print('line one')\nprint('line two')\n1 / 0"
        assert "ZeroDivisionError" in awaited(qtbot, agent.run(code))
        settled(qtbot, lambda: "ZeroDivisionError" in text_of(console))
    assert console.input_buffer == "half = 'typed"
    assert console._get_end_pos() - console._control.textCursor().position() == place
    shown = text_of(console)
    assert "[Claude] " in shown
    assert "line one\nline two\n" in shown
    console.input_buffer = ""


def test_the_console_shows_its_end_unless_the_reader_is_elsewhere(
    window: Any, pane: Any, qtbot: Any
) -> None:
    share(pane, qtbot)
    console = current(window)
    bar = console._control.verticalScrollBar()
    figure = "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()"
    with Agent() as agent:
        awaited(qtbot, agent.run("for n in range(100): print(n)"))
        awaited(qtbot, agent.run(figure))
        settled(qtbot, lambda: "plt.show()" in text_of(console) and _shows_prompt(console))
        bar.triggerAction(bar.SliderAction.SliderToMinimum)
        awaited(qtbot, agent.run("print('for later')"))
        settled(qtbot, lambda: "for later" in text_of(console))
        assert bar.value() == bar.minimum()


def test_twenty_thousand_lines_do_not_freeze_the_window(window: Any, pane: Any, qtbot: Any) -> None:
    console = current(window)
    _fill(console, qtbot)
    share(pane, qtbot)
    gaps, lines = _Gaps(), _LinesPerTurn(console)
    with Agent() as agent:
        text = awaited(qtbot, agent.run("for n in range(20000): print('line', n)"))
        settled(qtbot, lambda: "the rest is in the Claude pane" in text_of(console))
    assert "line 19999" in text
    assert lines.most() <= LINES_AT_ONCE + 2
    assert gaps.longest() <= LONGEST_GAP_S
    assert "line 19999" not in text_of(console)


@pytest.mark.parametrize("code", LONG.values(), ids=LONG)
def test_what_is_long_is_cut_in_the_console(window: Any, pane: Any, qtbot: Any, code: str) -> None:
    console = current(window)
    share(pane, qtbot)
    lines, before = _LinesPerTurn(console), len(text_of(console))
    with Agent() as agent:
        awaited(qtbot, agent.run(code + "\n"))
        awaited(qtbot, agent.run("print('the end')"))
        settled(qtbot, lambda: "the end" in text_of(console)[before:])
    assert lines.most() <= LINES_AT_ONCE + 10
    assert len(text_of(console)) - before < 20_000


@pytest.mark.parametrize("text", TEXTS)
def test_lines_that_are_inserted_together_look_as_if_one_by_one(
    window: Any, qtbot: Any, text: str
) -> None:
    console = current(window)
    _appended(console, "\x1b[0m\n")  # colours begin afresh
    one_by_one = _appended(console, text)
    with lines_together(console):
        together = _appended(console, text)
    assert together == one_by_one


def test_without_echo_nothing_of_an_agent_is_in_the_console(
    window: Any, pane: Any, qtbot: Any
) -> None:
    pane.set_conf("echo_in_console", False)
    share(pane, qtbot)
    with Agent() as agent:
        awaited(qtbot, agent.run("print('unseen')\nunknown_name"))
        awaited(qtbot, agent.run("1"))
    shown = text_of(current(window))
    assert "unseen" not in shown
    assert "unknown_name" not in shown


def test_a_breakpoint_of_an_agent_leaves_the_console_usable(
    window: Any, pane: Any, qtbot: Any
) -> None:
    share(pane, qtbot)
    console = current(window)
    with Agent() as agent:
        awaited(qtbot, agent.run("breakpoint()\nx = 1"))
        settled(qtbot, lambda: not console.is_debugging() and not console._executing)
        assert "2" in awaited(qtbot, agent.run("1 + 1"))
    with qtbot.waitSignal(console.executed, timeout=60_000):
        console.execute("users_own = 5")
    assert not console.is_debugging()


def test_after_sharing_the_console_is_as_it_was(window: Any, pane: Any, qtbot: Any) -> None:
    console = current(window)
    share(pane, qtbot)
    pane.share_action.setChecked(False)
    assert not [name for name in vars(console) if name.startswith("_handle_")]
    assert not console.include_other_output


def _shows_prompt(console: Any) -> bool:
    """Whether the input line is in view."""
    control = console._control
    return bool(control.viewport().rect().contains(control.cursorRect()))


class _Gaps:
    """The longest work that the window did in one go, in its own thread's time: other processes do not count."""

    def __init__(self) -> None:
        self._ticks = [time.thread_time()]
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(lambda: self._ticks.append(time.thread_time()))
        self._timer.start()

    def longest(self) -> float:
        self._timer.stop()
        return max(
            after - before for before, after in zip(self._ticks, self._ticks[1:], strict=False)
        )


class _LinesPerTurn:
    """The most lines that came into a console in one turn of the window's loop."""

    def __init__(self, console: Any) -> None:
        self._document = console._control.document()
        self._seen = self._document.blockCount()
        self._most = 0
        self._timer = QTimer()
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._turn)
        self._timer.start()

    def most(self) -> int:
        self._timer.stop()
        return self._most

    def _turn(self) -> None:
        count = self._document.blockCount()
        self._most, self._seen = max(self._most, count - self._seen), count


def _fill(console: Any, qtbot: Any) -> None:
    """What a day's work leaves in a console: each insertion used to read all of it."""
    with qtbot.waitSignal(console.executed, timeout=60_000):
        console.execute("for n in range(4500): print('own line', n, 'y' * 60)")


def _appended(console: Any, text: str) -> tuple[str, list[str]]:
    """What an insertion adds before the prompt: its text, and the colour of each character."""
    before = console._append_before_prompt_pos
    console._append_plain_text(text, before_prompt=True)
    cursor = QTextCursor(console._control.document())
    added, colors = "", []
    for position in range(before, console._append_before_prompt_pos):
        cursor.setPosition(position)
        cursor.setPosition(position + 1, QTextCursor.MoveMode.KeepAnchor)
        added += cursor.selectedText()
        colors.append(cursor.charFormat().foreground().color().name())
    return added, colors
