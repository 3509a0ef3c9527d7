"""The words and numbers people see."""

from __future__ import annotations

import pytest

from cokernel.host import Change, DisplayOutput, ErrorOutput, State, StreamOutput
from cokernel.share_view import words
from cokernel.share_view.gallery import NOW, look, run


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.035, "35 ms"),
        (0.0996, "0.10 s"),
        (0.42, "0.42 s"),
        (0.996, "1.0 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_running_time_ticks_in_whole_seconds() -> None:
    assert [words.elapsed(s) for s in (0.2, 1.9, 12.99, 185.5)] == [
        "0 s",
        "1 s",
        "12 s",
        "3 min 05 s",
    ]


def test_every_state_has_words() -> None:
    assert set(words.STATES) == set(State)


def test_queued_call_says_behind_what() -> None:
    queued = run(1, "x", State.QUEUED, reason="queued behind your cell")
    assert words.call_state(queued) == "queued behind your cell"


def test_title_of_a_call_is_one_line() -> None:
    assert words.call_title(run(1, "\n\n  a = 1\nb = 2\n")) == "a = 1 …"
    assert words.call_title(run(1, "")) == ""
    assert words.call_title(look(1, "inspect", "df")) == "inspect df"


def test_a_call_that_never_ran_has_no_duration() -> None:
    denied = run(1, "x", State.DENIED, started_at=None)
    assert words.call_duration(denied, NOW) == ""


def test_changes_are_grouped_by_what_happened() -> None:
    changes = (
        Change("model", "new", "Ridge"),
        Change("y", "new"),
        Change("X", "mutated", "1000×4 → 1000×5"),
        Change("k", "rebound"),
        Change("big", "possibly"),
    )
    assert words.changes(changes) == [
        ("new", "model (Ridge), y"),
        ("changed", "X (1000×4 → 1000×5), k"),
        ("possibly changed", "big"),
    ]


def test_outputs_become_text() -> None:
    assert words.output_text(StreamOutput("stdout", "a\nb\n")) == "a\nb"
    assert "1,000 characters are not kept" in words.output_text(StreamOutput("stdout", "ab", 1000))
    assert words.output_text(DisplayOutput({"text/plain": "42"})) == "42"
    assert words.output_text(DisplayOutput({"image/png": "A" * 4000})) == "picture (png, 3 kB)"
    assert words.output_text(ErrorOutput("KeyError", "'x'", "")) == "KeyError: 'x'"
