"""The Variable Explorer during long runs.

After each run Spyder's kernel reports the namespace by itself, whoever ran the code; while a run goes on somebody has
to ask. The question goes over the control channel, which answers while the kernel works
(variableexplorer/widgets/namespacebrowser.py, `refresh_namespacebrowser`).
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer


class LiveRefresh(QObject):
    """Asks every few seconds while an agent's run goes on."""

    def __init__(self, refresh: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.timeout.connect(refresh)
        self._enabled = True

    def set_options(self, *, enabled: bool, interval_s: int) -> None:
        self._enabled = enabled
        self._timer.setInterval(interval_s * 1000)
        if not enabled:
            self._timer.stop()

    def note_running(self, running: bool) -> None:
        """Whether a run of an agent goes on in the shared console."""
        if not running:
            self._timer.stop()
        elif self._enabled and not self._timer.isActive():
            self._timer.start()
