"""The calls as a table model, and the filter before the list.

The model keeps the newest step of each call. Ten thousand rows stay smooth because a change touches one row and views
ask only for what they paint.
"""

from __future__ import annotations

import enum
import time
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QSortFilterProxyModel,
    Qt,
)

from cokernel.host import Activity, Kind, Origin, State
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts

CallKey = tuple[str, int]
"""(kernel id, number): numbers count in one session only."""

CALL_ROLE = Qt.ItemDataRole.UserRole + 1
"""The whole `Activity` of a row."""


def key_of(call: Activity) -> CallKey:
    """What identifies every step of one call."""
    return (call.kernel_id, call.number)


class Column(enum.IntEnum):
    """From left to right."""

    TIME = 0
    STATE = 1
    CODE = 2
    CLIENT = 3
    DURATION = 4


class CallsModel(QAbstractTableModel):
    """Calls in the order in which they began, newest last."""

    def __init__(self, parent: QObject | None = None, *, capacity: int = 10_000) -> None:
        super().__init__(parent)
        self._capacity = capacity
        self._calls: list[Activity] = []
        self._rows: dict[CallKey, int] = {}
        """Row of each call, counted from the first call ever kept: `_dropped` is to be taken off."""
        self._dropped = 0
        self._unfinished: dict[CallKey, Activity] = {}
        self._clients: set[str] = set()

    # ---- what changes it

    def put(self, call: Activity) -> None:
        """Take the newest step of a call: a new row, or a change of the row it has."""
        key = key_of(call)
        self._track(key, call)
        if key in self._rows:
            self._replace(self._rows[key] - self._dropped, call)
        else:
            self._append(key, call)

    def clear_finished(self) -> None:
        """Forget every call that has ended. What still runs or waits stays in view."""
        self.beginResetModel()
        self._calls = [call for call in self._calls if not call.state.is_final]
        self._dropped = 0
        self._rows = {key_of(call): row for row, call in enumerate(self._calls)}
        self.endResetModel()

    def set_capacity(self, capacity: int) -> None:
        """Keep at most so many rows."""
        self._capacity = capacity
        self._drop_oldest()

    def tick(self) -> None:
        """Let views repaint the durations that go on."""
        for key in self._unfinished:
            row = self._rows[key] - self._dropped
            self._emit_changed(row, Column.STATE, Column.DURATION)

    # ---- what is asked of it

    def call(self, row: int) -> Activity:
        return self._calls[row]

    def find(self, key: CallKey) -> Activity | None:
        row = self._rows.get(key)
        return None if row is None else self._calls[row - self._dropped]

    def row_of(self, key: CallKey) -> int | None:
        row = self._rows.get(key)
        return None if row is None else row - self._dropped

    def calls(self) -> tuple[Activity, ...]:
        """All that are kept, oldest first."""
        return tuple(self._calls)

    def unfinished(self) -> tuple[Activity, ...]:
        """Calls that wait or run, oldest first."""
        return tuple(self._unfinished.values())

    def running_run(self) -> Activity | None:
        """The agent's run that the kernel is busy with."""
        states = (State.RUNNING, State.WAITING_INPUT)
        return next((c for c in self._unfinished.values() if texts.is_agent_run(c, states)), None)

    def has_several_clients(self) -> bool:
        """Whether rows need to say whose they are."""
        return len(self._clients) > 1

    # ---- Qt

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._calls)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        call = self._calls[index.row()]
        if role == CALL_ROLE:
            return call
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell_text(call, Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tool_tip(call, Column(index.column()))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return texts.spoken(call, time.time())
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return [_("Time"), _("State"), _("Call"), _("Client"), _("Duration")][section]

    # ---- private

    def _track(self, key: CallKey, call: Activity) -> None:
        if call.origin is Origin.AGENT:
            self._clients.add(call.client)
        if call.state.is_final:
            self._unfinished.pop(key, None)
        else:
            self._unfinished[key] = call

    def _append(self, key: CallKey, call: Activity) -> None:
        row = len(self._calls)
        self.beginInsertRows(QModelIndex(), row, row)
        self._calls.append(call)
        self._rows[key] = row + self._dropped
        self.endInsertRows()
        self._drop_oldest()

    def _replace(self, row: int, call: Activity) -> None:
        self._calls[row] = call
        self._emit_changed(row, Column.TIME, Column.DURATION)

    def _emit_changed(self, row: int, first: Column, last: Column) -> None:
        self.dataChanged.emit(self.index(row, first), self.index(row, last))

    def _drop_oldest(self) -> None:
        surplus = len(self._calls) - self._capacity
        if surplus <= 0:
            return
        self.beginRemoveRows(QModelIndex(), 0, surplus - 1)
        for call in self._calls[:surplus]:
            del self._rows[key_of(call)]
            self._unfinished.pop(key_of(call), None)
        del self._calls[:surplus]
        self._dropped += surplus
        self.endRemoveRows()


class CallsFilter(QSortFilterProxyModel):
    """Which calls are shown: with or without looks, with or without the user's cells, by text."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looks = True
        self._my_cells = False
        self._words: tuple[str, ...] = ()

    def show_looks(self, shown: bool) -> None:
        self._looks = shown
        self.invalidateFilter()

    def show_my_cells(self, shown: bool) -> None:
        self._my_cells = shown
        self.invalidateFilter()

    def set_text(self, text: str) -> None:
        """Show calls that contain every word: in the code, the tool, the client, the console or the state."""
        self._words = tuple(text.casefold().split())
        self.invalidateFilter()

    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex) -> bool:
        model = self.sourceModel()
        assert isinstance(model, CallsModel)
        return self.accepts(model.call(source_row))

    def accepts(self, call: Activity) -> bool:
        if call.origin is Origin.USER and not self._my_cells:
            return False
        if call.kind is Kind.LOOK and call.origin is Origin.AGENT and not self._looks:
            return False
        return not self._words or self._matches(call)

    def _matches(self, call: Activity) -> bool:
        parts = (call.code, call.tool, call.client, call.kernel, texts.state_text(call))
        hay = "\n".join(parts).casefold()
        return all(word in hay for word in self._words)


def _cell_text(call: Activity, column: Column) -> str:
    if column is Column.TIME:
        return texts.clock_text(call.created_at)
    if column is Column.STATE:
        return texts.state_text(call)
    if column is Column.CODE:
        return texts.headline(call)
    if column is Column.CLIENT:
        return call.client
    return texts.elapsed_text(call, time.time())


TOOL_TIP_LINES = 15


def _tool_tip(call: Activity, column: Column) -> str:
    if column is Column.STATE:
        return texts.tip_text(call.reason or texts.state_text(call))
    if column is Column.CODE:
        return texts.tip_text("\n".join(call.code.splitlines()[:TOOL_TIP_LINES]))
    return ""
