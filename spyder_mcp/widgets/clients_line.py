"""Who is connected: dot, name, since when, runs. One line; more clients fold into a count."""

from __future__ import annotations

import time

from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from cokernel.host import ClientInfo
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts
from spyder_mcp.widgets.elided import ElidedLabel
from spyder_mcp.widgets.look import Look

DOT = "●"


class ClientsLine(QWidget):
    """Shown while something is shared."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._clients: tuple[ClientInfo, ...] = ()
        self._dot = QLabel(DOT, self)
        self._text = ElidedLabel(self)
        self._text.setAccessibleName(_("Connected clients"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 3, 8, 3)
        layout.setSpacing(6)
        layout.addWidget(self._dot)
        layout.addWidget(self._text, stretch=1)
        self.show_clients(())

    def show_clients(self, clients: tuple[ClientInfo, ...]) -> None:
        self._clients = clients
        color = self._look.ok if clients else self._look.line
        self._dot.setStyleSheet(f"color: {color}; border: 0px; background: transparent")
        self.tick()

    def tick(self) -> None:
        """Bring `since` up to date."""
        self._text.setText(_line(self._clients, time.time()))
        entries = (_entry(client, time.time()) for client in self._clients)
        self.setToolTip(texts.tip_text("\n".join(entries)))


def _line(clients: tuple[ClientInfo, ...], now: float) -> str:
    if not clients:
        return _("No client is connected")
    if len(clients) == 1:
        return _entry(clients[0], now)
    names = ", ".join(client.name for client in clients)
    runs = texts.runs_text(sum(client.runs for client in clients))
    return _("{count} clients: {names} · {runs}").format(count=len(clients), names=names, runs=runs)


def _entry(client: ClientInfo, now: float) -> str:
    parts = (client.name, texts.since_text(now - client.since), texts.runs_text(client.runs))
    return " · ".join(parts)
