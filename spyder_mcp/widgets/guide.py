"""Nothing has happened yet: what this is, and three steps. Steps that are done are ticked."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from spyder_mcp.translation import _
from spyder_mcp.widgets.look import Look

TEXT_WIDTH_PX = 420
NUMBER_PX = 22


class Guide(QScrollArea):
    """Shown in place of an empty list.

    Signals
    -------
    sig_share_requested()
        Step 1.
    sig_connect_requested()
        Step 2.
    """

    sig_share_requested = Signal()
    sig_connect_requested = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        share = QPushButton(_("Share with Claude"))
        share.clicked.connect(self.sig_share_requested)
        connect = QPushButton(_("Connect Claude Code…"))
        connect.clicked.connect(self.sig_connect_requested)
        ask = _wrapped(_("Ask Claude about your variables, such as “What is in df?”"))
        self._share = share
        self._steps = [
            _Step("1", share, look),
            _Step("2", connect, look),
            _Step("3", ask, look),
        ]
        self._lay_out()
        self.show_progress(shared=False, connected=False)

    def show_progress(self, *, shared: bool, connected: bool) -> None:
        """Tick what is done."""
        self._share.setEnabled(not shared)
        self._share.setText(_("Sharing with Claude") if shared else _("Share with Claude"))
        for step, done in zip(self._steps, (shared, connected, False), strict=True):
            step.show_done(done)

    def _lay_out(self) -> None:
        body = QWidget(self)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(_wrapped(_what_this_is()))
        for step in self._steps:
            column.addWidget(step)
        page = QVBoxLayout(body)
        page.setContentsMargins(16, 16, 16, 16)
        page.addStretch(1)
        page.addLayout(column)
        page.addStretch(2)
        body.setMaximumWidth(TEXT_WIDTH_PX)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 80)


class _Step(QWidget):
    """A number, or a tick, and what to do."""

    def __init__(self, number: str, content: QWidget, look: Look) -> None:
        super().__init__()
        self._number = number
        self._look = look
        self._done: bool | None = None
        self._sign = QLabel(number)
        self._sign.setFixedSize(NUMBER_PX, NUMBER_PX)
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self._sign)
        row.addWidget(content, stretch=int(isinstance(content, QLabel)))
        if not isinstance(content, QLabel):
            row.addStretch(1)

    def show_done(self, done: bool) -> None:
        if done == self._done:
            return
        self._done = done
        color = self._look.ok if done else self._look.muted
        self._sign.setText("✓" if done else self._number)
        self._sign.setAccessibleName(_("Done") if done else _("Step {}").format(self._number))
        self._sign.setStyleSheet(
            f"color: {color}; border: 1px solid {color}; border-radius: {NUMBER_PX // 2}px;"
            "background: transparent; font-weight: bold"
        )


def _what_this_is() -> str:
    return _(
        "Claude works with you in the same live console: same variables, same plots. "
        "You see every call here and can stop it at any time."
    )


def _wrapped(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
