"""Connect Claude Code…: the dialog, and the command that it runs with the person's consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from spyder_mcp.widgets.look import Look

if TYPE_CHECKING:
    from spyder_mcp.backend.registration import Registration
    from spyder_mcp.widgets.connect_dialog import ConnectDialog


class Connection:
    """Both are made when somebody asks for them first."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        self._look = look
        self._parent = parent
        self._dialog: ConnectDialog | None = None
        self._registration: Registration | None = None

    def show(self) -> None:
        """Show how Claude Code is connected."""
        if self._dialog is None:
            self._make()
        assert self._dialog is not None
        assert self._registration is not None
        self._registration.ask_command()
        self._dialog.show()
        self._dialog.raise_()

    def _make(self) -> None:
        # Once for most people: not worth a moment of every start.
        from spyder_mcp.backend.registration import Registration
        from spyder_mcp.widgets.connect_dialog import ConnectDialog

        self._registration = Registration(self._parent)
        self._dialog = ConnectDialog(self._look, self._parent)
        self._dialog.sig_register_requested.connect(self._registration.register)
        self._registration.sig_command_known.connect(self._dialog.show_command)
        self._registration.sig_registered.connect(self._dialog.show_outcome)
