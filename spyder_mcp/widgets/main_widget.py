"""The pane as Spyder starts it: its toolbar, its options, and which consoles there are.

All that shows calls or shares a kernel is in `controller.py`. It is imported and made when somebody looks at the pane
for the first time, or shares: Spyder's start waits for none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QPaintEvent
from qtpy.QtWidgets import QMenu, QVBoxLayout, QWidget
from spyder.api.config.decorators import on_conf_change
from spyder.api.widgets.main_widget import PluginMainWidget

from spyder_mcp.api import ClaudeToolbarSections
from spyder_mcp.backend.consoles import Consoles, ShellWidget
from spyder_mcp.translation import _
from spyder_mcp.widgets import actions
from spyder_mcp.widgets.look import spyder_look
from spyder_mcp.widgets.share_bar import ShareBar

if TYPE_CHECKING:
    from spyder_mcp.widgets.controller import Controller


class ClaudeWidget(PluginMainWidget):
    """The Claude pane. What another plugin of Spyder has to do is asked for by its signals.

    Signals
    -------
    sig_summary_changed(Summary)
        For the status bar.
    sig_show_requested()
        Bring the pane to the front.
    sig_insert_requested(str)
        Insert this code into the editor.
    sig_variable_requested(ShellWidget, str)
        Show this variable of that console.
    sig_refresh_requested(ShellWidget)
        The namespace of that console changes while a run goes on.
    """

    sig_summary_changed = Signal(object)
    sig_show_requested = Signal()
    sig_insert_requested = Signal(str)
    sig_variable_requested = Signal(object, str)
    sig_refresh_requested = Signal(object)

    def __init__(self, name: str, plugin: Any, parent: QWidget) -> None:
        super().__init__(name, plugin, parent)
        self.look = spyder_look()
        self.consoles = Consoles(self)
        self._controller: Controller | None = None
        self._is_asked_for = False
        self._is_closed = False

    @property
    def controller(self) -> Controller:
        """Made when it is needed first."""
        if self._controller is None:
            from spyder_mcp.widgets.controller import Controller

            self._controller = Controller(self)
        return self._controller

    # ---- PluginMainWidget

    def get_title(self) -> str:
        return _("Claude")

    def get_focus_widget(self) -> QWidget | None:
        return None if self._controller is None else self._controller.pane.calls

    def setup(self) -> None:
        self.share_action, self.stop_action, self.pin_action = actions.create_share_actions(self)
        self.target_menu, self.mode_menu = QMenu(self), QMenu(self)
        self.bar = ShareBar(
            share=self.share_action,
            stop=self.stop_action,
            target_menu=self.target_menu,
            mode_menu=self.mode_menu,
            parent=self,
        )
        self.bar.show_sharing(False)
        toolbar = self.get_main_toolbar()
        self.add_item_to_toolbar(self.bar, toolbar=toolbar, section=ClaudeToolbarSections.Main)
        self.setLayout(QVBoxLayout())

    def update_actions(self) -> None:
        """Actions follow the sharing and the selection, see `Controller`."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Somebody looks: a pane behind another tab is `shown` too, but it is not painted."""
        super().paintEvent(event)
        if not self._is_asked_for:
            self._is_asked_for = True
            QTimer.singleShot(0, self._fill)

    def on_close(self) -> None:
        """Called by the window and again by the plugin; consoles are reported even after that."""
        self._is_closed = True
        if self._controller is not None:
            self._controller.close()
        self.consoles.end()

    # ---- consoles, as ShellConnectPluginMixin reports them

    def add_shellwidget(self, shellwidget: ShellWidget) -> None:
        self.consoles.add(shellwidget)

    def set_shellwidget(self, shellwidget: ShellWidget) -> None:
        self.consoles.set_active(shellwidget)

    def remove_shellwidget(self, shellwidget: ShellWidget) -> None:
        self.consoles.remove(shellwidget)

    def add_errored_shellwidget(self, shellwidget: ShellWidget) -> None:
        self.consoles.add(shellwidget)

    # ---- options; the controller reads them all when it is made

    @on_conf_change(option=["echo_in_console", "echo_max_lines"])
    def _on_echo(self, _option: str, _value: object) -> None:
        if self._controller is not None:
            self._controller.apply_echo()

    @on_conf_change(option=["refresh_variables", "refresh_interval_s", "max_calls"])
    def _on_limits(self, _option: str, _value: object) -> None:
        if self._controller is not None:
            self._controller.apply_limits()

    @on_conf_change(option="mode")
    def _on_mode(self, _value: str) -> None:
        if self._controller is not None:
            self._controller.apply_mode()

    @on_conf_change(option="follow")
    def _on_follow(self, _value: bool) -> None:
        if self._controller is not None:
            self._controller.apply_follow()

    @on_conf_change(option=["show_looks", "show_my_cells"])
    def _on_filter(self, _option: str, _value: bool) -> None:
        if self._controller is not None:
            self._controller.apply_filter()

    # ---- what people do

    def share(self, on: bool) -> None:
        """The toggle."""
        if on or self._controller is not None:
            self.controller.share(on)

    def share_at_start(self) -> None:
        if self.get_conf("share_at_start"):
            self.share_action.setChecked(True)

    def stop_runs(self) -> None:
        """Interrupt what agents run."""
        self.controller.stop_runs()

    def share_only_active(self) -> None:
        """Share the console in front, and no other."""
        self.controller.share_only_active()

    def show_approval(self) -> None:
        """Bring the pane to the front; if a run waits, with it in view."""
        self.sig_show_requested.emit()
        self.controller.show_approval()

    # ---- private

    def _fill(self) -> None:
        if not self._is_closed:
            self.controller.pane.show()
