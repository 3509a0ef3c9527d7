"""Connect Claude Code…: the exact command, to copy or, with consent, to run."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QTextOption
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from spyder_mcp.translation import _
from spyder_mcp.widgets.look import Look

MIN_WIDTH_PX = 560
COMMAND_LINES = 4
OUTCOME_LINES = 6


class ConnectDialog(QDialog):
    """Not modal: the IDE goes on.

    Signals
    -------
    sig_register_requested()
        The person agreed that the command is run.
    """

    sig_register_requested = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._command = QPlainTextEdit(self)
        self._outcome = QPlainTextEdit(self)
        self._copy = QPushButton(look.icon("mdi.content-copy"), _("Copy"), self)
        self._run = QPushButton(look.icon("mdi.play"), _("Run this command"), self)
        self._set_up(look)
        self._lay_out()
        self.show_command("")

    def show_command(self, command: str) -> None:
        """Empty while it is not known yet."""
        self._command.setPlainText(command or _("Looking for the command…"))
        self._outcome.hide()
        for button in (self._copy, self._run):
            button.setEnabled(bool(command))

    def show_outcome(self, registered: bool, said: str) -> None:
        """What the command said."""
        self._outcome.setPlainText(said)
        self._outcome.show()
        self._grow()
        self._run.setEnabled(not registered and self._copy.isEnabled())
        self._run.setText(_("Connected") if registered else _("Run this command"))

    def _set_up(self, look: Look) -> None:
        self.setWindowTitle(_("Connect Claude Code"))
        self.setMinimumWidth(MIN_WIDTH_PX)
        self._command.setReadOnly(True)
        self._command.setFont(look.mono)
        self._command.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._command.setFixedHeight(self._command.fontMetrics().lineSpacing() * COMMAND_LINES)
        self._command.setAccessibleName(_("Command that connects Claude Code"))
        self._outcome.setReadOnly(True)
        self._outcome.setFont(look.mono)
        self._outcome.setFixedHeight(self._outcome.fontMetrics().lineSpacing() * OUTCOME_LINES)
        self._outcome.setAccessibleName(_("What the command said"))
        self._copy.clicked.connect(self._copy_command)
        self._run.clicked.connect(self._request)
        for button in (self._copy, self._run):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        buttons = QDialogButtonBox(self)
        buttons.addButton(self._copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self._run, QDialogButtonBox.ButtonRole.ActionRole)
        close = buttons.addButton(QDialogButtonBox.StandardButton.Close)
        close.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        for text in (
            _("This command tells Claude Code about cokernel, once for all your projects:"),
            None,
            _(
                "Run it in a terminal, or let Spyder run it. It changes Claude Code's settings and "
                "nothing else. Then start Claude Code and ask it about your variables."
            ),
        ):
            layout.addWidget(self._command if text is None else _wrapped(text))
        layout.addWidget(self._outcome)
        layout.addWidget(buttons)

    def _grow(self) -> None:
        """A dialog that is shown does not grow by itself for what is added, nor for text that wraps."""
        layout = self.layout()
        layout.activate()
        self.resize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))

    def _copy_command(self) -> None:
        QApplication.clipboard().setText(self._command.toPlainText())

    def _request(self) -> None:
        self._run.setEnabled(False)
        self.sig_register_requested.emit()


def _wrapped(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label
