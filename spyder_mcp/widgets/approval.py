"""A call that waits for the person: the whole code in view, and three answers.

It takes the place of the detail and never the focus, so that nobody who types in the console answers by accident:
Enter allows nothing, and for a moment after the code has appeared a click does nothing either. Esc denies.
"""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, QTimer, Signal
from qtpy.QtGui import QKeySequence, QResizeEvent, QTextCursor
from qtpy.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QShortcut,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from cokernel.host import Activity, Answer, Kind, visible_code
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts
from spyder_mcp.widgets.code import insert_code, plain_format
from spyder_mcp.widgets.look import Look

READ_FIRST_MS = 600
"""Answers are taken only after this: a click that was meant for something else must not allow code."""
MIN_WIDTH_PX = 150


class ApprovalPanel(QWidget):
    """Asks about one call at a time, the oldest first.

    Signals
    -------
    sig_answered(str, Answer)
        The id of the approval, and what the person said.
    """

    sig_answered = Signal(str, object)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._call: Activity | None = None
        self._heading = QLabel(self)
        self._more = QLabel(self)
        self._code = QTextBrowser(self)
        self._once = self._answer_button(_("Allow once"), Answer.ONCE)
        self._always = self._answer_button(_("Allow until sharing stops"), Answer.ALWAYS)
        self._deny = self._answer_button(_("Deny"), Answer.DENY)
        self._buttons = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._ripen = QTimer(self)
        self._ripen.setSingleShot(True)
        self._ripen.setInterval(READ_FIRST_MS)
        self._ripen.timeout.connect(self._take_answers)
        self._set_up()
        self._lay_out()

    @property
    def call(self) -> Activity | None:
        """The call that is asked about."""
        return self._call

    def ask(self, call: Activity, waiting: int) -> None:
        """Ask about a call; `waiting` is how many wait in all."""
        self._more.setVisible(waiting > 1)
        self._more.setText(_("{} more wait after this one.").format(waiting - 1))
        if self._call is not None and self._call.approval == call.approval:
            return
        self._call = call
        self._heading.setText(texts.question_markup(call))
        self._show_code(call)
        self._enable(False)
        self._ripen.start()

    def focus_answers(self) -> None:
        """Come here by the keyboard or from the status bar."""
        self._code.setFocus(Qt.FocusReason.OtherFocusReason)

    # ---- Qt

    def minimumSizeHint(self) -> QSize:
        """Narrow panes stack the buttons."""
        return QSize(MIN_WIDTH_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (
            self._ripen.isActive()
        ):  # the code is read from its first line, whatever the layout did meanwhile
            self._code.verticalScrollBar().setValue(0)
        buttons = (self._once, self._always, self._deny)
        wide = self.width() >= sum(button.sizeHint().width() + 12 for button in buttons) + 30
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        self._buttons.setDirection(way)

    # ---- private

    def _answer_button(self, text: str, answer: Answer) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setDefault(False)
        button.clicked.connect(lambda: self._answer(answer))
        return button

    def _answer(self, answer: Answer) -> None:
        if self._call is None or not self._once.isEnabled():
            return
        self._enable(False)
        self.sig_answered.emit(self._call.approval, answer)

    def _take_answers(self) -> None:
        self._enable(True)

    def _enable(self, enabled: bool) -> None:
        for button in (self._once, self._always, self._deny):
            button.setEnabled(enabled)

    def _show_code(self, call: Activity) -> None:
        document = self._code.document()
        document.clear()
        code = visible_code(call.code)
        if call.kind is Kind.RUN:
            insert_code(QTextCursor(document), code, self._look)
        else:
            QTextCursor(document).insertText(code, plain_format(self._look))
        self._code.moveCursor(QTextCursor.MoveOperation.Start)

    def _set_up(self) -> None:
        self._heading.setWordWrap(True)
        self._heading.setTextFormat(Qt.TextFormat.RichText)
        self._more.setWordWrap(True)
        self._code.setOpenLinks(False)
        self._code.setAccessibleName(_("Code that waits for you"))
        self._code.document().setDocumentMargin(8)
        self._code.setFrameShape(QFrame.Shape.NoFrame)
        self._always.setToolTip(
            _("This client runs code in this console without asking, until sharing stops.")
        )
        deny = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        deny.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        deny.activated.connect(lambda: self._answer(Answer.DENY))

    def _lay_out(self) -> None:
        band = QFrame(self)
        band.setObjectName("attention")
        band.setStyleSheet(
            f"QFrame#attention {{ background: {self._look.attention}; border: 0px; }}"
        )
        band.setFixedWidth(3)
        for button in (self._once, self._always, self._deny):
            self._buttons.addWidget(button)
        self._buttons.addStretch(1)
        column = QVBoxLayout()
        column.setContentsMargins(10, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self._code, stretch=1)
        column.addWidget(self._more)
        column.addLayout(self._buttons)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(band)
        layout.addLayout(column, stretch=1)
