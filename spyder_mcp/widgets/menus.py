"""The menus of the pane and the actions in them. What they do belongs to the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAction, QActionGroup, QMenu

from cokernel.host import Mode
from spyder_mcp.api import ClaudeActions, ClaudeOptionsMenuSections
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts

if TYPE_CHECKING:
    from spyder_mcp.widgets.controller import Controller
    from spyder_mcp.widgets.main_widget import ClaudeWidget


def create_code_actions(widget: ClaudeWidget, controller: Controller) -> list[QAction]:
    """What can be done with the code of the selected call."""
    return [
        widget.create_action(
            ClaudeActions.CopyCode,
            text=_("Copy code"),
            icon=widget.look.icon("mdi.content-copy"),
            triggered=controller.copy_code,
        ),
        widget.create_action(
            ClaudeActions.InsertCode,
            text=_("Insert code into the editor"),
            icon=widget.look.icon("mdi.file-edit-outline"),
            triggered=controller.insert_code,
        ),
        widget.create_action(
            ClaudeActions.PutOnInputLine,
            text=_("Put code on the console's input line, for you to run"),
            icon=widget.look.icon("mdi.console-line"),
            triggered=controller.put_on_input_line,
        ),
    ]


def fill_mode_menu(menu: QMenu, controller: Controller) -> dict[Mode, QAction]:
    """Run freely, Ask me, Look only: one of them is checked."""
    menu.setToolTipsVisible(True)
    group = QActionGroup(menu)
    actions: dict[Mode, QAction] = {}
    for mode in Mode:
        actions[mode] = menu.addAction(texts.mode_text(mode))
        actions[mode].setCheckable(True)
        actions[mode].setToolTip(texts.mode_tip(mode))
        actions[mode].triggered.connect(lambda _checked, mode=mode: controller.set_mode(mode))
        group.addAction(actions[mode])
    return actions


def fill_options_menu(widget: ClaudeWidget, controller: Controller) -> None:
    """The menu at the right end of the toolbar."""
    sections = ClaudeOptionsMenuSections
    for section, actions in (
        (sections.Connect, _connect_actions(widget, controller)),
        (sections.View, _view_actions(widget, controller)),
        (sections.Export, _export_actions(widget, controller)),
        (sections.Clear, _clear_actions(widget, controller)),
    ):
        for action in actions:
            widget.add_item_to_menu(action, menu=widget.get_options_menu(), section=section)


def _connect_actions(widget: ClaudeWidget, controller: Controller) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.ConnectClient,
            text=_("Connect Claude Code…"),
            icon=widget.look.icon("mdi.lan-connect"),
            triggered=controller.connection.show,
        )
    ]


def _view_actions(widget: ClaudeWidget, controller: Controller) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.ShowFilter,
            text=_("Filter calls"),
            icon=widget.look.icon("mdi.filter-outline"),
            toggled=controller.show_filter,
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


def _export_actions(widget: ClaudeWidget, controller: Controller) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.ExportNotebook,
            text=_("Export as notebook…"),
            triggered=controller.exporting.save_notebook,
        ),
        widget.create_action(
            ClaudeActions.ExportScript,
            text=_("Export as script…"),
            triggered=controller.exporting.save_script,
        ),
    ]


def _clear_actions(widget: ClaudeWidget, controller: Controller) -> list[QAction]:
    return [
        widget.create_action(
            ClaudeActions.Clear,
            text=_("Clear calls"),
            icon=widget.create_icon("editclear"),
            triggered=controller.clear,
        )
    ]
