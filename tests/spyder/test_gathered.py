"""What the console shows of long output: in pieces, and not all of it."""

from __future__ import annotations

from typing import Any

from spyder_mcp.guards.gathered import LINES_AT_ONCE, MAX_LINE_CHARS, Gathered, cut
from spyder_mcp.widgets.bounded import MAX_WORD_CHARS, bounded

NOTE = "… the rest is in the Claude pane."


def stream(text: str) -> dict[str, Any]:
    return {"content": {"name": "stdout", "text": text}}


def shown(gathered: Gathered, *texts: str) -> list[str]:
    for text in texts:
        gathered.add(stream(text), print)
    return [message["content"]["text"] for message, _handler in gathered.take()]


def test_many_lines_come_in_pieces() -> None:
    pieces = shown(Gathered(500), *(f"{n}\n" for n in range(120)))
    assert [piece.count("\n") for piece in pieces] == [LINES_AT_ONCE, LINES_AT_ONCE, 20]
    assert "".join(pieces) == "".join(f"{n}\n" for n in range(120))


def test_a_run_has_so_many_lines_and_then_a_note() -> None:
    gathered = Gathered(10)
    first = shown(gathered, "x\n" * 8)
    second = shown(gathered, "x\n" * 8)
    third = shown(gathered, "x\n" * 8)
    assert (first, second, third) == (["x\n" * 8], ["x\n" * 2 + NOTE + "\n"], [])


def test_a_progress_bar_is_one_line_however_often_it_is_written() -> None:
    bar = "".join(f"\r{n} %" for n in range(101))
    assert shown(Gathered(10), bar) == [bar]
    assert shown(Gathered(10), bar * 100) == ["\r100 %"]


def test_a_line_without_an_end_is_cut() -> None:
    (piece,) = shown(Gathered(10), "x" * 100_000 + "\n")
    assert piece == "x" * MAX_LINE_CHARS + "…\n"


def test_of_a_traceback_its_beginning_and_its_end_are_shown() -> None:
    frames = [f"frame {n}" for n in range(3000)]
    message = cut({"content": {"ename": "RecursionError", "traceback": frames}})
    lines = message["content"]["traceback"]
    assert (lines[0], lines[10], lines[-1]) == ("frame 0", NOTE, "frame 2999")
    assert len(lines) <= LINES_AT_ONCE + 1


def test_short_code_and_results_are_shown_as_they_are() -> None:
    code = {"content": {"code": "x = 1\n\ny = 2", "execution_count": 1}}
    result = {"content": {"data": {"text/plain": "[1,\n 2]", "image/png": "…"}}}
    assert cut(code) == code
    assert cut(result) == result


def test_the_pane_cuts_words_that_take_seconds_to_lay_out() -> None:
    text = bounded("x" * 300_000 + "\n" + "word " * 10_000)
    assert max(map(len, text.split())) <= MAX_WORD_CHARS
    assert text.count("word ") == 10_000
    assert "characters are not shown here" in text
