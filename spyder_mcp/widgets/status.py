"""One short text in Spyder's status bar. Only `waiting for you` asks for attention."""

from __future__ import annotations

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from spyder.api.widgets.status import StatusBarWidget

from spyder_mcp.api import ClaudeWidgets
from spyder_mcp.translation import _
from spyder_mcp.widgets.look import LOGO, Look
from spyder_mcp.widgets.summary import Summary


class ClaudeStatus(StatusBarWidget):
    """Shows a `Summary`; a click opens the pane."""

    ID = ClaudeWidgets.Status
    INTERACT_ON_CLICK = True

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        self._look = look
        self._summary = Summary.off()
        super().__init__(parent)
        self.setAccessibleName(_("State of sharing with Claude"))
        self.show_summary(self._summary)

    def show_summary(self, summary: Summary) -> None:
        self._summary = summary
        self.set_value(summary.short)
        self._icon = self.get_icon()
        self.set_icon()
        attention = f"color: {self._look.attention}; font-weight: bold"
        self.label_value.setStyleSheet(attention if summary.wants_attention else "")
        self.setAccessibleDescription(summary.sentence)
        self.update_tooltip()

    # ---- StatusBarWidget

    def get_tooltip(self) -> str:
        return self._summary.sentence

    def get_icon(self) -> QIcon:
        color = self._look.attention if self._summary.wants_attention else self._look.text
        return self._look.icon(LOGO, color)
