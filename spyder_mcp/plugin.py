"""The plugin: it wires the pane to the rest of Spyder, and takes every wire out again."""

from __future__ import annotations

from typing import Any

import qtawesome
from qtpy.QtGui import QIcon
from spyder.api.plugin_registration.decorators import on_plugin_available, on_plugin_teardown
from spyder.api.plugins import Plugins, SpyderDockablePlugin
from spyder.api.shellconnect.mixins import ShellConnectPluginMixin
from spyder.plugins.ipythonconsole.api import (
    IPythonConsoleWidgetMenus,
    IPythonConsoleWidgetTabsContextMenuSections,
)
from spyder.plugins.mainmenu.api import ApplicationMenus, ConsolesMenuSections
from spyder.plugins.toolbar.api import ApplicationToolbars, MainToolbarSections
from spyder.utils.palette import SpyderPalette

from spyder_mcp.api import ClaudeActions
from spyder_mcp.config import CONF_DEFAULTS, CONF_SECTION, CONF_VERSION
from spyder_mcp.confpage import ClaudeConfigPage
from spyder_mcp.translation import _
from spyder_mcp.widgets.look import LOGO
from spyder_mcp.widgets.main_widget import ClaudeWidget
from spyder_mcp.widgets.status import ClaudeStatus


class ClaudePlugin(SpyderDockablePlugin, ShellConnectPluginMixin):
    """Share with Claude."""

    NAME = CONF_SECTION
    REQUIRES = [Plugins.IPythonConsole, Plugins.Preferences]
    OPTIONAL = [
        Plugins.Editor,
        Plugins.MainMenu,
        Plugins.StatusBar,
        Plugins.Toolbar,
        Plugins.VariableExplorer,
    ]
    TABIFY = [Plugins.VariableExplorer]
    WIDGET_CLASS = ClaudeWidget
    CONF_SECTION = CONF_SECTION
    CONF_DEFAULTS = CONF_DEFAULTS
    CONF_VERSION = CONF_VERSION
    CONF_WIDGET_CLASS = ClaudeConfigPage
    CONF_FILE = True
    DISABLE_ACTIONS_WHEN_HIDDEN = False

    # ---- SpyderDockablePlugin

    @staticmethod
    def get_name() -> str:
        return _("Claude")

    @staticmethod
    def get_description() -> str:
        return _("Share the active IPython console with Claude, and see what it does there.")

    @classmethod
    def get_icon(cls) -> QIcon:
        # Spyder's own `create_icon` knows no names but its own.
        return qtawesome.icon(LOGO, color=SpyderPalette.ICON_1)

    def on_initialize(self) -> None:
        self._status: ClaudeStatus | None = None
        self.get_widget().sig_show_requested.connect(self._show_pane)

    def on_mainwindow_visible(self) -> None:
        self.get_widget().share_at_start()

    def on_close(self, cancelable: bool = True) -> None:
        self.get_widget().on_close()

    # ---- available

    @on_plugin_available(plugin=Plugins.IPythonConsole)
    def on_ipython_console_available(self) -> None:
        console = self.get_plugin(Plugins.IPythonConsole)
        widget, pane = console.get_widget(), self.get_widget()
        self.register_ipythonconsole(console)
        widget.add_item_to_menu(
            pane.pin_action,
            menu=widget.get_menu(IPythonConsoleWidgetMenus.TabsContextMenu),
            section=IPythonConsoleWidgetTabsContextMenuSections.Edit,
        )
        # After Spyder's own slot, which gives the console its new name.
        widget.tabwidget.tabBar().sig_name_changed.connect(self._note_renamed)

    @on_plugin_available(plugin=Plugins.Preferences)
    def on_preferences_available(self) -> None:
        self.get_plugin(Plugins.Preferences).register_plugin_preferences(self)

    @on_plugin_available(plugin=Plugins.MainMenu)
    def on_main_menu_available(self) -> None:
        main_menu = self.get_plugin(Plugins.MainMenu)
        for action in self._menu_actions():
            main_menu.add_item_to_application_menu(
                action, menu_id=ApplicationMenus.Consoles, section=ConsolesMenuSections.Restart
            )

    @on_plugin_available(plugin=Plugins.Toolbar)
    def on_toolbar_available(self) -> None:
        # A toolbar of our own would be hidden by every saved layout.
        self.get_plugin(Plugins.Toolbar).add_item_to_application_toolbar(
            self.get_widget().share_action,
            toolbar_id=ApplicationToolbars.Main,
            section=MainToolbarSections.ApplicationSection,
        )

    @on_plugin_available(plugin=Plugins.StatusBar)
    def on_status_bar_available(self) -> None:
        pane = self.get_widget()
        self._status = ClaudeStatus(pane.look, pane)
        self.get_plugin(Plugins.StatusBar).add_status_widget(self._status)
        pane.sig_summary_changed.connect(self._status.show_summary)
        self._status.sig_clicked.connect(pane.show_approval)

    @on_plugin_available(plugin=Plugins.VariableExplorer)
    def on_variable_explorer_available(self) -> None:
        self.get_widget().sig_variable_requested.connect(self._show_variable)
        self.get_widget().sig_refresh_requested.connect(self._refresh_variables)

    @on_plugin_available(plugin=Plugins.Editor)
    def on_editor_available(self) -> None:
        self.get_widget().sig_insert_requested.connect(self._insert_into_editor)

    # ---- teardown, in the same order

    @on_plugin_teardown(plugin=Plugins.IPythonConsole)
    def on_ipython_console_teardown(self) -> None:
        console = self.get_plugin(Plugins.IPythonConsole)
        widget = console.get_widget()
        self.unregister_ipythonconsole(console)
        widget.remove_item_from_menu(
            ClaudeActions.PinConsole, widget.get_menu(IPythonConsoleWidgetMenus.TabsContextMenu)
        )
        widget.tabwidget.tabBar().sig_name_changed.disconnect(self._note_renamed)

    @on_plugin_teardown(plugin=Plugins.Preferences)
    def on_preferences_teardown(self) -> None:
        self.get_plugin(Plugins.Preferences).deregister_plugin_preferences(self)

    @on_plugin_teardown(plugin=Plugins.MainMenu)
    def on_main_menu_teardown(self) -> None:
        main_menu = self.get_plugin(Plugins.MainMenu)
        for action in self._menu_actions():
            main_menu.remove_item_from_application_menu(
                action.action_id, menu_id=ApplicationMenus.Consoles
            )

    @on_plugin_teardown(plugin=Plugins.Toolbar)
    def on_toolbar_teardown(self) -> None:
        self.get_plugin(Plugins.Toolbar).remove_item_from_application_toolbar(
            ClaudeActions.ToggleShare, toolbar_id=ApplicationToolbars.Main
        )

    @on_plugin_teardown(plugin=Plugins.StatusBar)
    def on_status_bar_teardown(self) -> None:
        pane, status = self.get_widget(), self._status
        assert status is not None
        status.sig_clicked.disconnect(pane.show_approval)
        pane.sig_summary_changed.disconnect(status.show_summary)
        self.get_plugin(Plugins.StatusBar).remove_status_widget(ClaudeStatus.ID)
        self._status = None

    @on_plugin_teardown(plugin=Plugins.VariableExplorer)
    def on_variable_explorer_teardown(self) -> None:
        self.get_widget().sig_variable_requested.disconnect(self._show_variable)
        self.get_widget().sig_refresh_requested.disconnect(self._refresh_variables)

    @on_plugin_teardown(plugin=Plugins.Editor)
    def on_editor_teardown(self) -> None:
        self.get_widget().sig_insert_requested.disconnect(self._insert_into_editor)

    # ---- private

    def _menu_actions(self) -> list[Any]:
        return [self.get_widget().share_action, self.get_widget().stop_action]

    def _show_pane(self) -> None:
        self.switch_to_plugin(force_focus=True)

    def _note_renamed(self, _name: str) -> None:
        self.get_widget().consoles.note_renamed()

    def _show_variable(self, shellwidget: Any, name: str) -> None:
        explorer = self.get_plugin(Plugins.VariableExplorer)
        explorer.switch_to_plugin()
        browser = explorer.get_widget_for_shellwidget(shellwidget)
        table = browser.editor
        index = table.model().get_index_from_key(name)
        if index.isValid():
            table.setFocus()
            table.setCurrentIndex(index)
            table.scrollTo(index)

    def _refresh_variables(self, shellwidget: Any) -> None:
        explorer = self.get_plugin(Plugins.VariableExplorer)
        browser = explorer.get_widget_for_shellwidget(shellwidget)
        if browser is not None and browser.isVisible():
            browser.refresh_namespacebrowser(interrupt=True)

    def _insert_into_editor(self, code: str) -> None:
        editor = self.get_plugin(Plugins.Editor)
        current = editor.get_current_editor()
        if current is None:
            editor.new(text=code)
        else:
            current.textCursor().insertText(code)
        editor.switch_to_plugin()
