"""The activity log: numbered, bounded, with cursors."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cokernel.session.activity import Activity, ActivityLog, Kind, Origin, Sequence, State


def entry(number: int, state: State = State.OK) -> Activity:
    return Activity(
        number=number,
        origin=Origin.AGENT,
        kind=Kind.RUN,
        state=state,
        client_id="c1",
        client="Claude Code",
        kernel_id="k1",
        kernel="Console 1/A",
        tool="execute_code",
        code="x = 1",
        created_at=1.0,
    )


def log(capacity: int = 100) -> ActivityLog:
    return ActivityLog(Sequence(), lambda entry: None, capacity)


def test_a_cursor_gives_what_changed_after_it_in_the_order_of_change():
    written = log()
    for number in (1, 2, 3):
        written.put(entry(number, State.RUNNING))
    cursor = written.since(0).cursor
    written.put(entry(2))
    written.put(entry(1))
    page = written.since(cursor)
    assert [(e.number, e.state) for e in page.entries] == [(2, State.OK), (1, State.OK)]
    assert written.since(page.cursor).entries == ()
    assert [e.number for e in written] == [1, 2, 3]


def test_the_observer_sees_every_step():
    seen: list[Activity] = []
    written = ActivityLog(Sequence(), seen.append)
    steps = [entry(1, State.QUEUED), entry(1, State.RUNNING), entry(1)]
    for step in steps:
        written.put(step)
    assert seen == steps
    assert written.get(1) == steps[-1]


def test_what_is_forgotten_is_counted_for_those_who_have_not_seen_it():
    written = log(capacity=4)
    for number in range(1, 7):
        written.put(entry(number))
    assert [written.since(cursor).missed for cursor in (0, 1, 2, 6)] == [2, 1, 0, 0]
    assert written.get(1) is None


def test_large_entries_are_forgotten_sooner_the_newest_never():
    written = ActivityLog(Sequence(), lambda entry: None, max_chars=1_000)
    for number in range(1, 6):
        written.put(replace(entry(number), code="x" * 300))
    assert [e.number for e in written] == [3, 4, 5]
    assert written.since(0).missed == 2
    written.put(replace(entry(6), code="x" * 5_000))
    assert [e.number for e in written] == [6]
    for number in (6, 7):
        written.put(replace(entry(number), code="x"))
    assert [e.number for e in written] == [6, 7]


def test_unfinished_entries_are_never_forgotten():
    written = log(capacity=2)
    written.put(entry(1, State.RUNNING))
    for number in range(2, 8):
        written.put(entry(number))
    assert written.get(1) is not None
    assert len(written) == 2


@given(steps=st.lists(st.tuples(st.integers(1, 12), st.booleans())), cut=st.integers(0, 60))
def test_two_pages_in_a_row_miss_nothing_that_is_kept(steps: list[tuple[int, bool]], cut: int):
    written = log(capacity=5)
    for number, done in steps[:cut]:
        written.put(entry(number, State.OK if done else State.RUNNING))
    first = written.since(0)
    for number, done in steps[cut:]:
        written.put(entry(number, State.OK if done else State.RUNNING))
    second = written.since(first.cursor)
    newest = {e.number: e for e in (*first.entries, *second.entries)}
    assert all(newest[e.number] == e for e in written)


@pytest.mark.parametrize("state", list(State))
def test_a_duration_is_known_once_it_has_ended_and_if_it_ran(state: State):
    queued = entry(1, state)
    assert queued.duration_s is None
    ran = replace(queued, started_at=2.0, finished_at=5.0)
    assert ran.duration_s == 3.0
