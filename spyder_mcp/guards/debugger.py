"""An agent's `breakpoint()` or `%debug` cannot take the user's console hostage.

Spyder's debugger belongs to the console, whoever started it: the prompt would open in the user's console while the
kernel waits, and afterwards the console would believe for ever that something runs, because the reply goes to the
agent (debugging.py, `pdb_input`, `set_debug_state`). So a debugger that an agent's run opens is left at once, and when
that run has ended the console's debugging state is set back.
"""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal

from spyder_mcp.backend.consoles import ShellWidget
from spyder_mcp.guards.attribution import Attribution
from spyder_mcp.guards.overrides import Handler, Message, Overrides


class DebuggerGuard(QObject):
    """Watches one console for as long as it is shared.

    Signals
    -------
    sig_left()
        A debugger that an agent's run had opened was left.
    """

    sig_left = Signal()

    def __init__(self, shellwidget: ShellWidget, attribution: Attribution) -> None:
        super().__init__()
        self._shellwidget = shellwidget
        self._attribution = attribution
        self._agents_request = ""
        """`msg_id` of the agent's request that the kernel works on; empty if it does not."""
        self._has_left = False
        self._overrides = Overrides(shellwidget)
        self._overrides.put("status", self._take_status)
        shellwidget.sig_pdb_prompt_ready.connect(self._take_prompt)

    def remove(self) -> None:
        """Watch no more."""
        self._shellwidget.sig_pdb_prompt_ready.disconnect(self._take_prompt)
        self._overrides.remove()

    def _take_status(self, message: Message, handler: Handler) -> None:
        handler(message)
        state = message["content"].get("execution_state")
        if state == "starting":  # another process: whatever ran in the old one is gone
            self._agents_request = ""
        parent = message["parent_header"]
        if parent.get("msg_type") != "execute_request" or not self._attribution.is_agents(message):
            return
        if state == "busy":
            self._agents_request = parent["msg_id"]
        elif state == "idle" and parent["msg_id"] == self._agents_request:
            self._agents_request = ""
            self._repair()

    def _take_prompt(self) -> None:
        if self._agents_request:
            self._has_left = True
            # After this prompt's own slots: they still set up what leaving it takes down.
            QTimer.singleShot(0, self._leave)

    def _leave(self) -> None:
        if self._shellwidget.is_debugging():
            self._shellwidget.stop_debugging()

    def _repair(self) -> None:
        if not self._has_left:
            return
        self._has_left = False
        self._shellwidget.reset_debug_state()
        self._shellwidget.reset(clear=False)
        self.sig_left.emit()
