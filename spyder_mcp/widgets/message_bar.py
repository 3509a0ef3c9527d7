"""One sentence about something that needs the person's choice: what happened, and what to press."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from spyder_mcp.translation import _
from spyder_mcp.widgets.look import Look


class MessageBar(QFrame):
    """Hidden while there is nothing to say.

    Signals
    -------
    sig_pressed()
        The person pressed the button that was offered.
    """

    sig_pressed = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._button = QPushButton(self)
        self._button.clicked.connect(self.sig_pressed)
        self._close = QToolButton(self)
        self._close.setIcon(look.icon("mdi.close"))
        self._close.setAutoRaise(True)
        self._close.setToolTip(_("Hide this message"))
        self._close.setAccessibleName(_("Hide this message"))
        self._close.clicked.connect(self.hide)
        self._lay_out(look)
        self.hide()

    def say(self, sentence: str, button: str = "") -> None:
        """Show a sentence; an empty one hides the bar."""
        self._text.setText(sentence)
        self._button.setText(button)
        self._button.setVisible(bool(button))
        self.setVisible(bool(sentence))

    def text(self) -> str:
        return self._text.text()

    def _lay_out(self, look: Look) -> None:
        self.setObjectName("message")
        self.setStyleSheet(
            f"QFrame#message {{ border: 0px; border-left: 3px solid {look.attention};"
            f" border-radius: 0px; background: {look.raised}; }}"
            "QLabel { background: transparent; border: 0px; }"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 4, 6)
        row.addWidget(self._text, stretch=1)
        row.addWidget(self._button)
        row.addWidget(self._close, alignment=Qt.AlignmentFlag.AlignTop)
