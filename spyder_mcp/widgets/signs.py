"""The signs of states and modes: which icon, in which colour."""

from __future__ import annotations

from qtpy.QtGui import QIcon

from cokernel.host import Mode, State
from spyder_mcp.widgets.look import Look


class StateSigns:
    """The signs of a call's states under one theme; each icon is made once."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._icons: dict[State, QIcon] = {}

    def icon(self, state: State) -> QIcon:
        """A running call's sign is drawn by the list, because it turns."""
        if state not in self._icons:
            self._icons[state] = self._look.icon(_STATE_SIGNS[state][1], self.color(state))
        return self._icons[state]

    def color(self, state: State) -> str:
        """Also for the word that names the state."""
        return {
            "muted": self._look.muted,
            "attention": self._look.attention,
            "accent": self._look.accent,
            "ok": self._look.ok,
            "error": self._look.error,
        }[_STATE_SIGNS[state][0]]


def mode_icon(look: Look, mode: Mode) -> QIcon:
    """Stands for the mode where its words have no room."""
    return look.icon(_MODE_ICONS[mode])


_STATE_SIGNS: dict[State, tuple[str, str]] = {
    State.QUEUED: ("muted", "mdi.clock-outline"),
    State.WAITING_APPROVAL: ("attention", "mdi.hand-left"),
    State.RUNNING: ("accent", "mdi.loading"),
    State.WAITING_INPUT: ("accent", "mdi.form-textbox"),
    State.OK: ("ok", "mdi.check"),
    State.ERROR: ("error", "mdi.close-circle-outline"),
    State.INTERRUPTED: ("muted", "mdi.stop-circle-outline"),
    State.ABORTED: ("muted", "mdi.minus-circle-outline"),
    State.DENIED: ("muted", "mdi.cancel"),
    State.RESTARTED: ("muted", "mdi.restart"),
    State.LOST: ("error", "mdi.link-off"),
    State.FAILED: ("error", "mdi.alert-circle-outline"),
}

_MODE_ICONS: dict[Mode, str] = {
    Mode.FREE: "mdi.play-circle-outline",
    Mode.ASK: "mdi.hand-left",
    Mode.LOOK: "mdi.eye-outline",
}
