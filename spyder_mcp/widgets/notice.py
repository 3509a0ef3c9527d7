"""A call waits and the pane is not in view: a small notice in the corner of the window. It takes no focus."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from spyder_mcp.translation import _
from spyder_mcp.widgets.look import Look

MARGIN_PX = 16
ABOVE_STATUS_BAR_PX = 34


class ApprovalNotice(QFrame):
    """In the lower right corner of the window that it belongs to.

    Signals
    -------
    sig_show_requested()
        The person wants to see what waits.
    """

    sig_show_requested = Signal()

    def __init__(self, look: Look, window: QWidget) -> None:
        super().__init__(window)
        self._text = QLabel(self)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        show = _button(_("Show"), self)
        later = _button(_("Later"), self)
        show.clicked.connect(self.sig_show_requested)
        show.clicked.connect(self.hide)
        later.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        for widget in (self._text, show, later):
            row.addWidget(widget)
        self._set_up(look, window)

    def tell(self, sentence: str) -> None:
        """Say who waits for what, and let the window ask for attention in the task bar."""
        self._text.setText(sentence)
        self.adjustSize()
        self._place()
        self.show()
        self.raise_()
        QApplication.alert(self.window())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the corner."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _set_up(self, look: Look, window: QWidget) -> None:
        self.setObjectName("notice")
        self.setStyleSheet(
            f"QFrame#notice {{ background: {look.raised}; border: 1px solid {look.line};"
            f" border-left: 3px solid {look.attention}; border-radius: 3px; }}"
            "QLabel { background: transparent; border: 0px; }"
        )
        self.setAccessibleName(_("Claude waits for you"))
        window.installEventFilter(self)
        self.hide()

    def _place(self) -> None:
        window = self.parentWidget()
        x = window.width() - self.width() - MARGIN_PX
        y = window.height() - self.height() - ABOVE_STATUS_BAR_PX
        self.move(max(x, 0), max(y, 0))


def _button(text: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setAutoDefault(False)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
