"""The list of calls: follows the newest one unless its reader has scrolled away."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QModelIndex, QPointF, QRect, QRectF, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from cokernel.host import Activity, Kind, Origin, State
from spyder_mcp.translation import _
from spyder_mcp.widgets.calls_model import (
    CALL_ROLE,
    CallKey,
    CallsFilter,
    CallsModel,
    Column,
    key_of,
)
from spyder_mcp.widgets.look import Look
from spyder_mcp.widgets.signs import StateSigns

STATE_WORD_FROM_CHARS = 80
"""Panes of fewer characters show the sign of the state only."""
TIME_FROM_CHARS = 42
"""Panes of fewer characters show no time."""
ROW_PADDING_PX = 7
ICON_PX = 14
SPIN_INTERVAL_MS = 100
SPIN_STEP_DEGREES = 30


class CallsView(QTableView):
    """One row for each call.

    Signals
    -------
    sig_selected(Activity | None)
        The reader chose a call, or none is chosen any more.
    """

    sig_selected = Signal(object)

    def __init__(self, model: CallsModel, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._filter = CallsFilter(self)
        self._filter.setSourceModel(model)
        self._delegate = CallDelegate(look, self)
        self._follows_end = True
        self._menu: QMenu | None = None
        self.setModel(self._filter)
        self.setItemDelegate(self._delegate)
        self._set_up()
        self._connect()
        self._lay_out_columns()

    @property
    def filter(self) -> CallsFilter:
        return self._filter

    def selected(self) -> Activity | None:
        """The chosen call as it stands now."""
        index = self.currentIndex()
        return index.data(CALL_ROLE) if index.isValid() else None

    def select(self, key: CallKey) -> None:
        """Choose a call, if it is in the list and not filtered out."""
        row = self._model.row_of(key)
        if row is None:
            return
        index = self._filter.mapFromSource(self._model.index(row, Column.CODE))
        if index.isValid():
            self.setCurrentIndex(index)

    def set_context_menu(self, menu: QMenu) -> None:
        self._menu = menu

    def refresh_columns(self) -> None:
        """Show or hide columns for the width and the clients there are."""
        self._lay_out_columns()

    # ---- Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out_columns()

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        self.sig_selected.emit(current.data(CALL_ROLE) if current.isValid() else None)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._lay_out_columns()

    # ---- private

    def _set_up(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setAccessibleName(_("Calls of connected clients"))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        # One fixed height for every row: a table of 10,000 rows then needs no layout of its own.
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.hide()
        header.setMinimumSectionSize(1)
        header.setSectionResizeMode(Column.CODE, QHeaderView.ResizeMode.Stretch)

    def _connect(self) -> None:
        self.customContextMenuRequested.connect(self._show_menu)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._note_scrolling)
        bar.rangeChanged.connect(self._stay_at_end)
        self._model.rowsInserted.connect(self._delegate.wake)
        self._model.dataChanged.connect(self._delegate.wake)

    def _note_scrolling(self, value: int) -> None:
        self._follows_end = value >= self.verticalScrollBar().maximum()

    def _stay_at_end(self, _minimum: int, maximum: int) -> None:
        if self._follows_end:
            self.verticalScrollBar().setValue(maximum)

    def _show_menu(self, point: object) -> None:
        if self._menu is not None and self.selected() is not None:
            self._menu.popup(self.viewport().mapToGlobal(point))

    def _lay_out_columns(self) -> None:
        metrics = self.fontMetrics()
        chars = self.viewport().width() / max(metrics.averageCharWidth(), 1)
        words = chars >= STATE_WORD_FROM_CHARS
        self._delegate.show_state_word = words
        word = metrics.horizontalAdvance(_("waiting for you")) + 8 if words else 0
        self.setColumnHidden(Column.TIME, chars < TIME_FROM_CHARS)
        self.setColumnHidden(Column.CLIENT, not (words and self._model.has_several_clients()))
        self.setColumnWidth(Column.TIME, metrics.horizontalAdvance("00:00:00") + 12)
        self.setColumnWidth(Column.STATE, ICON_PX + 12 + word)
        self.setColumnWidth(Column.CLIENT, metrics.averageCharWidth() * 18)
        longest = "00 min 00 s" if words else "00 min"
        self.setColumnWidth(Column.DURATION, metrics.horizontalAdvance(longest) + 8)
        self.verticalHeader().setDefaultSectionSize(metrics.height() + ROW_PADDING_PX)


class CallDelegate(QStyledItemDelegate):
    """Paints the cells of a row; turns the sign of those that run."""

    def __init__(self, look: Look, view: CallsView) -> None:
        super().__init__(view)
        self._look = look
        self._signs = StateSigns(look)
        self._view = view
        self._angle = 0
        self.show_state_word = True
        self._spin = QTimer(self)
        self._spin.setInterval(SPIN_INTERVAL_MS)
        self._spin.timeout.connect(self._turn)

    def wake(self) -> None:
        """Something changed: turn as long as something runs."""
        if self._running_rows() and not self._spin.isActive():
            self._spin.start()

    # ---- Qt

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus  # the whole row is chosen, not one cell
        call: Activity = index.data(CALL_ROLE)
        column = Column(index.column())
        if column is Column.CODE:
            option.font = self._look.mono
        if column is Column.DURATION:
            option.displayAlignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        color = QColor(self._color(call, column))
        option.palette.setColor(option.palette.ColorRole.Text, color)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if Column(index.column()) is not Column.STATE:
            super().paint(painter, option, index)
            return
        self._paint_state(painter, option, index)

    # ---- private

    def _color(self, call: Activity, column: Column) -> str:
        quiet = call.kind is not Kind.RUN or call.origin is Origin.USER
        if column is Column.CODE and not quiet:
            return self._look.text
        return self._look.muted

    def _paint_state(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        call: Activity = index.data(CALL_ROLE)
        self.initStyleOption(option, index)
        word, option.text = option.text, ""
        style = self._view.style() or QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, self._view)
        icon = QRect(option.rect.left() + 4, 0, ICON_PX, ICON_PX)
        icon.moveTop(option.rect.center().y() - ICON_PX // 2 + 1)
        self._paint_sign(painter, icon, call.state)
        if self.show_state_word:
            self._paint_word(painter, option.rect.adjusted(ICON_PX + 12, 0, 0, 0), word, call)

    def _paint_sign(self, painter: QPainter, rect: QRect, state: State) -> None:
        if state is State.RUNNING:
            self._paint_spinner(painter, QRectF(rect).adjusted(2, 2, -2, -2))
        else:
            self._signs.icon(state).paint(painter, rect)

    def _paint_spinner(self, painter: QPainter, rect: QRectF) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(rect.center())
        painter.rotate(self._angle)
        pen = QPen(QColor(self._look.accent), 2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawArc(
            QRectF(QPointF(-rect.width() / 2, -rect.height() / 2), rect.size()), 0, 4320
        )
        painter.restore()

    def _paint_word(self, painter: QPainter, rect: QRect, word: str, call: Activity) -> None:
        painter.save()
        painter.setPen(QColor(self._signs.color(call.state)))
        painter.setFont(self._view.font())
        elided = self._view.fontMetrics().elidedText(
            word, Qt.TextElideMode.ElideRight, rect.width()
        )
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        painter.restore()

    def _turn(self) -> None:
        running = self._running_rows()
        if not running:
            self._spin.stop()
            return
        self._angle = (self._angle - SPIN_STEP_DEGREES) % 360
        for index in running:
            self._view.update(index)

    def _running_rows(self) -> list[QModelIndex]:
        model = self._view._model
        rows = [model.row_of(key_of(c)) for c in model.unfinished() if c.state is State.RUNNING]
        proxied = (
            self._view.filter.mapFromSource(model.index(row, Column.STATE))
            for row in rows
            if row is not None
        )
        return [index for index in proxied if index.isValid()]
