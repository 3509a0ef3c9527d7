"""The words of the interface."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cokernel.host import Kind, State
from spyder_mcp.widgets import samples, texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.035, "35 ms"),
        (0.42, "0.42 s"),
        (9.99, "9.99 s"),
        (9.999, "10 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_read_alike_everywhere(seconds: float, text: str) -> None:
    assert texts.duration_text(seconds) == text


def test_what_hides_is_named_in_lists_and_tips() -> None:
    look = samples.call(1, "a\x1b[2J\u202e", kind=Kind.LOOK, tool="inspect")
    assert texts.headline(look) == "inspect a⟨U+001B⟩[2J⟨U+202E⟩"
    assert texts.tip_text("a\u202eb") == "a⟨U+202E⟩b"


def test_a_tip_draws_no_markup_of_others() -> None:
    assert "&lt;img src=&quot;x&quot;&gt;" in texts.tip_text('<img src="x">')


def test_a_running_call_counts_whole_seconds() -> None:
    call = samples.call(1, "fit()", State.RUNNING, seconds=0.0, ago=0)
    assert texts.elapsed_text(call, call.created_at + 3.7) == "3 s"
    assert texts.elapsed_text(call, call.created_at + 72) == "1 min 12 s"


def test_a_call_that_never_ran_has_no_duration() -> None:
    call = samples.call(1, "fit()", State.DENIED, seconds=None)
    assert texts.elapsed_text(call, call.created_at + 10) == ""


def test_the_headline_is_the_first_line_that_says_something() -> None:
    call = samples.call(1, "\n# read the data\ndf = read()\n")
    assert texts.headline(call) == "df = read()"
    assert texts.headline(replace(call, code="# only a comment")) == "# only a comment"


def test_a_look_is_named_by_its_tool() -> None:
    assert texts.headline(samples.look(1, "inspect", "df")) == "inspect df"


def test_a_queued_call_says_what_it_waits_for() -> None:
    call = samples.call(1, "x", State.QUEUED, reason="queued behind your cell")
    assert texts.state_text(call) == "queued behind your cell"


@pytest.mark.parametrize("state", State)
def test_every_state_has_words_and_a_row_can_be_spoken(state: State) -> None:
    spoken = texts.spoken(samples.call(1, "fit()", state), 0.0)
    assert texts.state_text(samples.call(1, "x", state)) in spoken
    assert "Console 1/A" in spoken
