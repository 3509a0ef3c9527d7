"""The list of calls: one row each, bounded, filtered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cokernel.host import Origin, State
from spyder_mcp.widgets import samples
from spyder_mcp.widgets.calls_model import CallsFilter, CallsModel, Column, key_of


@pytest.fixture
def model(qapp: Any, qtmodeltester: Any) -> CallsModel:
    model = CallsModel(capacity=5)
    qtmodeltester.check(model)
    return model


def test_each_step_of_a_call_changes_its_one_row(model: CallsModel) -> None:
    running = samples.call(1, "fit()", State.RUNNING)
    model.put(running)
    assert [call.state for call in model.unfinished()] == [State.RUNNING]
    model.put(replace(running, state=State.OK, finished_at=running.created_at + 1))
    assert model.rowCount() == 1
    assert model.call(0).state is State.OK
    assert model.unfinished() == ()


def test_the_oldest_rows_go_first(model: CallsModel) -> None:
    for call in samples.many(12):
        model.put(call)
    assert [call.number for call in model.calls()] == [8, 9, 10, 11, 12]
    assert model.find(key_of(samples.call(7, ""))) is None
    assert model.row_of(key_of(samples.call(12, ""))) == 4


def test_steps_reach_their_row_after_older_rows_went(model: CallsModel) -> None:
    for call in samples.many(8):
        model.put(call)
    model.put(replace(model.call(0), state=State.LOST))
    assert [call.state.value for call in model.calls()] == ["lost", "ok", "ok", "ok", "ok"]


def test_the_same_number_in_another_kernel_is_another_call(model: CallsModel) -> None:
    call = samples.call(1, "x")
    model.put(call)
    model.put(replace(call, kernel_id="other"))
    assert model.rowCount() == 2


def test_clearing_keeps_what_still_runs(model: CallsModel) -> None:
    model.put(samples.call(1, "done()"))
    model.put(samples.call(2, "going()", State.RUNNING))
    model.clear_finished()
    assert [call.number for call in model.calls()] == [2]
    model.put(samples.call(2, "going()", State.OK))
    assert model.rowCount() == 1


def test_the_filter_knows_looks_own_cells_and_words(qapp: Any) -> None:
    model = CallsModel()
    shown = CallsFilter()
    shown.setSourceModel(model)
    model.put(samples.call(1, "df.describe()"))
    model.put(samples.look(2, "list_variables"))
    model.put(replace(samples.call(3, "mine = 1"), origin=Origin.USER, client="you"))
    assert shown.rowCount() == 2
    shown.show_my_cells(True)
    assert shown.rowCount() == 3
    shown.show_looks(False)
    assert shown.rowCount() == 2
    shown.set_text("DESCRIBE claude")
    assert shown.rowCount() == 1
    assert shown.index(0, Column.CODE).data() == "df.describe()"
