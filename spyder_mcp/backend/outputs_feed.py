"""Brings what a call has put out, no more often than people can read it.

The bridge says that there is more; it is asked once at a time for each call, and again only if more came meanwhile.
"""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal

from cokernel.host import Output
from spyder_mcp.backend.bridge import Bridge

PACE_MS = 150

Call = tuple[str, int]
"""(share id, number)"""


class OutputsFeed(QObject):
    """Asks the bridge for outputs.

    Signals
    -------
    sig_arrived(str, int, tuple[Output, ...])
        Share id, number, and what that call has put out so far.
    """

    sig_arrived = Signal(str, int, object)

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._wanted: set[Call] = set()
        self._asked: set[Call] = set()
        self._pace = QTimer(self)
        self._pace.setInterval(PACE_MS)
        self._pace.timeout.connect(self._ask_again)

    def want(self, share_id: str, number: int) -> None:
        """There is more of a call, or it came into view."""
        call = (share_id, number)
        if call in self._asked or self._pace.isActive():
            self._wanted.add(call)
        else:
            self._ask(call)
        self._pace.start()

    def stop(self) -> None:
        self._pace.stop()
        self._wanted.clear()
        self._asked.clear()

    def _ask_again(self) -> None:
        due = self._wanted - self._asked
        self._wanted -= due
        for call in due:
            self._ask(call)
        if not self._wanted and not due:
            self._pace.stop()

    def _ask(self, call: Call) -> None:
        self._asked.add(call)
        self._bridge.outputs(
            *call,
            then=lambda outputs: self._take(call, outputs),
            failed=lambda _error: self._asked.discard(call),
        )

    def _take(self, call: Call, outputs: tuple[Output, ...]) -> None:
        self._asked.discard(call)
        self.sig_arrived.emit(*call, outputs)
