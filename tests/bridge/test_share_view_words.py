"""The words and numbers people see."""

from __future__ import annotations

from cokernel.host import Change, DisplayOutput, ErrorOutput, State, StreamOutput
from cokernel.session.words import STATE_WORDS
from cokernel.share_view import words
from cokernel.share_view.gallery import NOW, look, run


def test_every_state_has_words() -> None:
    assert set(STATE_WORDS) == set(State)


def test_queued_call_says_behind_what() -> None:
    queued = run(1, "x", State.QUEUED, reason="queued behind your cell")
    assert words.call_state(queued) == "queued behind your cell"


def test_title_of_a_call_is_one_line() -> None:
    assert words.call_title(run(1, "\n\n  a = 1\nb = 2\n")) == "a = 1 …"
    assert words.call_title(run(1, "")) == ""
    assert words.call_title(look(1, "inspect", "df")) == "inspect df"


def test_durations_of_calls_read_well() -> None:
    assert words.call_duration(run(1, "x", finished_at=NOW - 285 + 0.035), NOW) == "35 ms"
    running = run(1, "x", State.RUNNING, started_at=NOW - 185.5)
    assert words.call_duration(running, NOW) == "3 min 05 s"


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
    long = StreamOutput("stdout", "head\nend", 1000, dropped_at=5)
    assert words.output_text(long) == "head\n… 1,000 characters are not kept …\nend"
    assert words.output_text(DisplayOutput({"text/plain": "42"})) == "42"
    assert words.output_text(DisplayOutput({"image/png": "A" * 4000})) == "picture (png, 3 kB)"
    assert words.output_text(ErrorOutput("KeyError", "'x'", "")) == "KeyError: 'x'"
