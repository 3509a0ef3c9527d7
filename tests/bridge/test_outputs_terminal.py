"""Text of streams as a terminal would show it."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cokernel.kernel.terminal import EscapeFilter, TerminalRows, plain_text

PIECES = st.one_of(
    st.sampled_from(["a", "bc ", "  x", "\t", "é", "漢", "\n", "\r", "\r\n", "\b"]),
    st.sampled_from(["\x1b[A", "\x1b[2B", "\x1b[3C", "\x1b[1G", "\x1b[K", "\x1b[2K", "\x1b[J"]),
    st.sampled_from(["\x1b[31m", "\x1b[1;4m", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\"]),
    st.sampled_from(["\x1b(B", "\x07", "\x00", "\x1bP1$r\x1b\\"]),
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown_in_chunks(chunks: list[str]) -> str:
    escapes, rows, settled = EscapeFilter(), TerminalRows(), ""
    for chunk in chunks:
        rows.feed(escapes.feed(chunk))
        settled += rows.take_settled()
    return settled + rows.text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("  leading\tand trailing  \n\n", "  leading\tand trailing  \n\n"),
        ("10%\r20%\r100%", "100%"),
        ("100%\r20%", "20%%"),
        ("working\r       \rdone", "done"),
        ("working\r       \r", ""),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("abc\b\bX", "aXc"),
        ("long line\r\x1b[Kshort", "short"),
        ("outer 0\ninner 0\x1b[A\router 1\n\rinner 1", "outer 1\ninner 1"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;2;1;2;3mbold\x1b[m", "red and bold"),
        ("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b(B\x1b=\x1b>plain", "plain"),
        ("\x9b31mred\x9b0m", "red"),
        ("a\x07b\x00c", "abc"),
        ("x\x1b[999999999999Ay", "xy"),
        ("a\x1b[999999999Bb", "ab"),
        ("dead \ud83d end", "dead \ufffd end"),
        ("pair \ud83d\ude00", "pair 😀"),
        ("\x1b[1m\x1b[", ""),
    ],
)
def test_text_is_shown_as_a_terminal_would(written: str, shown: str) -> None:
    assert plain_text(written) == shown


def test_text_decoded_with_the_wrong_codec_loses_its_control_characters_only() -> None:
    assert plain_text("he said â\x80\x9chelloâ\x80\x9d to me â\x80\x9band left") == (
        "he said âhelloâ to me âand left"
    )


def test_a_title_that_never_ends_takes_no_more_than_its_line() -> None:
    assert plain_text("a\x1b]0;title\nnext") == "a\nnext"


def test_a_row_far_above_is_out_of_the_cursors_reach() -> None:
    rows = TerminalRows()
    rows.feed("".join(f"{n}\n" for n in range(1000)) + "\x1b[999A\rX")
    settled = rows.take_settled()
    assert settled.startswith("0\n1\n2\n")
    assert "X" not in settled
    assert rows.text.startswith("X")


def test_a_line_longer_than_a_screen_is_whole() -> None:
    assert shown_in_chunks(["x" * 50_000] * 10) == "x" * 500_000


def test_edits_are_told_from_additions() -> None:
    rows = TerminalRows()
    rows.feed("first\n10%")
    assert rows.take_edit() is None
    rows.feed("\r10% of it")
    assert rows.take_edit() is None
    rows.feed("\r20%")
    assert rows.take_edit() == len("first\n")


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_without_controls_is_exact(text: str) -> None:
    assert plain_text(text) == text


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b[]\r\n\b0;AK\x9b\x9d"))))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = plain_text(text)
    assert not CONTROLS.search(shown)
    shown.encode("utf-8")


@given(TEXTS, st.data())
def test_how_text_is_cut_into_messages_does_not_matter(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    chunks = [text[start:stop] for start, stop in pairwise(edges)]
    assert shown_in_chunks(chunks) == shown_in_chunks([text])


@given(TEXTS, TEXTS)
def test_what_comes_before_an_edit_is_as_it_was(before: str, after: str) -> None:
    escapes, rows = EscapeFilter(), TerminalRows()
    rows.feed(escapes.feed(before))
    old = rows.take_settled() + rows.text
    rows.take_edit()
    rows.feed(escapes.feed(after))
    new = rows.take_settled() + rows.text
    edit = rows.take_edit()
    unchanged = len(old) if edit is None else min(edit, len(old))
    assert new[:unchanged] == old[:unchanged]
