"""The words that all faces share."""

from __future__ import annotations

import pytest

from cokernel.session.activity import Activity, Change, Kind, Origin, State
from cokernel.session.words import (
    changes_line,
    duration_words,
    running_words,
    state_words,
    title_words,
    visible_code,
)


def an_entry(state: State, **fields: str) -> Activity:
    return Activity(
        number=1,
        origin=Origin.AGENT,
        kind=Kind.RUN,
        state=state,
        client_id="c",
        client="Claude Code",
        kernel_id="k",
        kernel="Console 1/A",
        tool=fields.get("tool", "execute_code"),
        code=fields.get("code", ""),
        created_at=0.0,
        started_at=100.0,
        reason=fields.get("reason", ""),
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.035, "35 ms"),
        (0.0994, "99 ms"),
        (0.0999, "0.10 s"),
        (0.42, "0.42 s"),
        (0.999, "1.0 s"),
        (4.25, "4.2 s"),
        (9.99, "10 s"),
        (12.3, "12 s"),
        (59.9, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_have_two_or_three_digits(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_running_durations_tick_in_whole_seconds() -> None:
    assert [running_words(seconds) for seconds in (0.9, 12.9, 65.2)] == [
        "0 s",
        "12 s",
        "1 min 05 s",
    ]


@pytest.mark.parametrize("state", State)
def test_every_state_has_words(state: State) -> None:
    assert state_words(an_entry(state), now=112.5)


def test_states_read_as_people_say_them() -> None:
    assert state_words(an_entry(State.RUNNING), now=112.5) == "running 12 s"
    assert state_words(an_entry(State.WAITING_APPROVAL), now=0) == "waiting for you"
    queued = an_entry(State.QUEUED, reason="queued behind your cell")
    assert state_words(queued, now=0) == "queued behind your cell"


def test_a_call_is_called_by_its_first_line_or_its_tool() -> None:
    assert title_words(an_entry(State.OK, code="\n  df.describe()\nx")) == "df.describe()"
    assert title_words(an_entry(State.OK, tool="inspect", code="df")) == "inspect df"
    assert len(title_words(an_entry(State.OK, code="x" * 500))) == 80


def test_many_changes_are_counted() -> None:
    names = [Change(f"v{number}", "new") for number in range(30)] + [Change("old", "removed")]
    line = changes_line(names)
    assert line.startswith("new: v0, v1, ")
    assert line.endswith("v11, and 18 more   removed: old")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("x = 1\n\ty = 'é 中 🙂'\n", "x = 1\n\ty = 'é 中 🙂'\n"),
        ("a\r\nb", "a\nb"),
        ("safe() \u202e# )(live", "safe() ⟨U+202E⟩# )(live"),
        ("us\u200ber = 1", "us⟨U+200B⟩er = 1"),
        ("print(1)\rprint(2)\x1b[2K", "print(1)⟨U+000D⟩print(2)⟨U+001B⟩[2K"),
    ],
)
def test_code_is_shown_with_what_would_hide_in_it(code: str, shown: str) -> None:
    assert visible_code(code) == shown
