"""Actions that stand outside the pane too, from Spyder's start on: the toggle, Stop, sharing one console only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAction

from spyder_mcp.api import ClaudeActions
from spyder_mcp.translation import _
from spyder_mcp.widgets.look import LOGO

if TYPE_CHECKING:
    from spyder_mcp.widgets.main_widget import ClaudeWidget


def create_share_actions(widget: ClaudeWidget) -> tuple[QAction, QAction, QAction]:
    """The toggle, Stop, and sharing one console only."""
    share = widget.create_action(
        ClaudeActions.ToggleShare,
        text=_("Share with Claude"),
        tip=_("Let Claude work in the active console"),
        icon=widget.look.icon(LOGO),
        toggled=widget.share,
        initial=False,
        register_shortcut=True,
        context=Qt.ShortcutContext.ApplicationShortcut,
    )
    stop = widget.create_action(
        ClaudeActions.Stop,
        text=_("Stop"),
        tip=_("Interrupt what Claude runs; your own cells go on"),
        icon=widget.look.icon("mdi.stop", widget.look.error),
        triggered=widget.stop_runs,
        register_shortcut=True,
        context=Qt.ShortcutContext.ApplicationShortcut,
    )
    stop.setEnabled(False)
    pin = widget.create_action(
        ClaudeActions.PinConsole,
        text=_("Share only this console with Claude"),
        icon=widget.look.icon("mdi.pin-outline"),
        triggered=widget.share_only_active,
    )
    return share, stop, pin
