"""The actions of the pane and where they stand in its menus. What they do belongs to the pane's main widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAction, QActionGroup, QMenu

from cokernel.host import Mode
from spyder_mcp.api import ClaudeActions, ClaudeOptionsMenuSections
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts
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


def create_code_actions(widget: ClaudeWidget) -> list[QAction]:
    """What can be done with the code of the selected call."""
    return [
        widget.create_action(
            ClaudeActions.CopyCode,
            text=_("Copy code"),
            icon=widget.look.icon("mdi.content-copy"),
            triggered=widget.copy_code,
        ),
        widget.create_action(
            ClaudeActions.InsertCode,
            text=_("Insert code into the editor"),
            icon=widget.look.icon("mdi.file-edit-outline"),
            triggered=widget.insert_code,
        ),
        widget.create_action(
            ClaudeActions.PutOnInputLine,
            text=_("Put code on the console's input line, for you to run"),
            icon=widget.look.icon("mdi.console-line"),
            triggered=widget.put_on_input_line,
        ),
    ]


def create_mode_menu(widget: ClaudeWidget) -> tuple[QMenu, dict[Mode, QAction]]:
    """Run freely, Ask me, Look only: one of them is checked."""
    menu = QMenu(widget)
    menu.setToolTipsVisible(True)
    group = QActionGroup(menu)
    actions: dict[Mode, QAction] = {}
    for mode in Mode:
        actions[mode] = menu.addAction(texts.mode_text(mode))
        actions[mode].setCheckable(True)
        actions[mode].setToolTip(texts.mode_tip(mode))
        actions[mode].triggered.connect(lambda _checked, mode=mode: widget.set_mode(mode))
        group.addAction(actions[mode])
    return menu, actions


def fill_options_menu(widget: ClaudeWidget) -> None:
    """The menu at the right end of the toolbar."""
    sections = ClaudeOptionsMenuSections
    for section, actions in (
        (sections.Connect, _connect_actions(widget)),
        (sections.View, _view_actions(widget)),
        (sections.Export, _export_actions(widget)),
        (sections.Clear, _clear_actions(widget)),
    ):
        for action in actions:
            widget.add_item_to_menu(action, menu=widget.get_options_menu(), section=section)


def _connect_actions(widget: ClaudeWidget) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.ConnectClient,
            text=_("Connect Claude Code…"),
            icon=widget.look.icon("mdi.lan-connect"),
            triggered=widget.connect_client,
        )
    ]


def _view_actions(widget: ClaudeWidget) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.ShowFilter,
            text=_("Filter calls"),
            icon=widget.look.icon("mdi.filter-outline"),
            toggled=widget.show_filter,
            initial=False,
        ),
        widget.create_action(
            ClaudeActions.ShowLooks, text=_("Show looks"), toggled=True, option="show_looks"
        ),
        widget.create_action(
            ClaudeActions.ShowMyCells,
            text=_("Show my own cells"),
            toggled=True,
            option="show_my_cells",
        ),
    ]


def _export_actions(widget: ClaudeWidget) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.ExportNotebook,
            text=_("Export as notebook…"),
            triggered=widget.export_notebook,
        ),
        widget.create_action(
            ClaudeActions.ExportScript,
            text=_("Export as script…"),
            triggered=widget.export_script,
        ),
    ]


def _clear_actions(widget: ClaudeWidget) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.Clear,
            text=_("Clear calls"),
            icon=widget.create_icon("editclear"),
            triggered=widget.clear,
        )
    ]
