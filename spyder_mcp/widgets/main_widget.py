"""The pane in Spyder: it joins what people see (`widgets`), what is shared (`backend`) and the guards.

What another plugin of Spyder has to do is asked for by signals; `plugin.py` connects them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.compat import getsavefilename
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QMenu, QVBoxLayout, QWidget
from spyder.api.config.decorators import on_conf_change
from spyder.api.widgets.main_widget import PluginMainWidget

from cokernel.host import Activity, Answer, ClientInfo, Kind, Mode, Origin, Output, State
from spyder_mcp.api import ClaudeToolbarSections
from spyder_mcp.backend import export
from spyder_mcp.backend.bridge import Bridge
from spyder_mcp.backend.consoles import Consoles, ShellWidget
from spyder_mcp.backend.live_refresh import LiveRefresh
from spyder_mcp.backend.outputs_feed import OutputsFeed
from spyder_mcp.backend.registration import Registration
from spyder_mcp.backend.sharing import Sharing, Status
from spyder_mcp.guards.attribution import Attribution
from spyder_mcp.guards.guarded_console import EchoOptions, GuardedConsole
from spyder_mcp.translation import _
from spyder_mcp.widgets import actions, texts
from spyder_mcp.widgets.calls_model import key_of
from spyder_mcp.widgets.connect_dialog import ConnectDialog
from spyder_mcp.widgets.look import spyder_look
from spyder_mcp.widgets.notice import ApprovalNotice
from spyder_mcp.widgets.pane import ClaudePane
from spyder_mcp.widgets.share_bar import ShareBar
from spyder_mcp.widgets.summary import Summary, summarize

STOPPABLE = (State.QUEUED, State.RUNNING, State.WAITING_INPUT)
GOING_ON = (State.RUNNING, State.WAITING_INPUT)


class ClaudeWidget(PluginMainWidget):
    """The Claude pane.

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
        self.bridge = Bridge(self)
        self.consoles = Consoles(self)
        self.sharing = Sharing(self.bridge, self.consoles, self._default_mode(), self)
        self.feed = OutputsFeed(self.bridge, self)
        self.registration = Registration(self)
        self.live_refresh = LiveRefresh(self._request_refresh, self)
        attribution = Attribution(lambda: self.sharing.kernel_session, self.consoles.all)
        self.guarded = GuardedConsole(attribution, self._echo_options())
        self._clients: tuple[ClientInfo, ...] = ()
        self._summary = Summary.off()
        self._dialog: ConnectDialog | None = None
        self._notice: ApprovalNotice | None = None

    # ---- PluginMainWidget

    def get_title(self) -> str:
        return _("Claude")

    def get_focus_widget(self) -> QWidget:
        return self.pane.calls

    def setup(self) -> None:
        self.code_actions = actions.create_code_actions(self)
        self.pane = ClaudePane(self.look, self.code_actions, self)
        self.share_action, self.stop_action, self.pin_action = actions.create_share_actions(self)
        actions.fill_options_menu(self)
        self._target_menu = QMenu(self)
        self._target_menu.aboutToShow.connect(self._fill_target_menu)
        mode_menu, self._mode_actions = actions.create_mode_menu(self)
        self.bar = ShareBar(
            share=self.share_action,
            stop=self.stop_action,
            target_menu=self._target_menu,
            mode_menu=mode_menu,
            parent=self,
        )
        toolbar = self.get_main_toolbar()
        self.add_item_to_toolbar(self.bar, toolbar=toolbar, section=ClaudeToolbarSections.Main)
        layout = QVBoxLayout()
        layout.addWidget(self.pane)
        self.setLayout(layout)
        self._connect()
        self._apply_options()
        self._show_status(self.sharing.status)

    def update_actions(self) -> None:
        """Actions follow the sharing and the selection, see `_show_status` and `_refresh_actions`."""

    def on_close(self) -> None:
        """Called by the window and again by the plugin; consoles are reported even after that."""
        self.feed.stop()
        self.live_refresh.note_running(False)
        self.guarded.guard(None)
        self.sharing.close()
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

    # ---- options

    @on_conf_change(option=["echo_in_console", "echo_max_lines"])
    def _on_echo(self, _option: str, _value: object) -> None:
        self.guarded.set_options(self._echo_options())

    @on_conf_change(option=["refresh_variables", "refresh_interval_s", "max_calls"])
    def _on_limits(self, _option: str, _value: object) -> None:
        self._apply_options()

    @on_conf_change(option="mode")
    def _on_mode(self, _value: str) -> None:
        self.set_mode(self._default_mode())

    @on_conf_change(option="follow")
    def _on_follow(self, follow: bool) -> None:
        if self.sharing.status.is_on:
            self._follow_or_pin(follow)

    @on_conf_change(option="show_looks")
    def _on_show_looks(self, shown: bool) -> None:
        self.pane.calls.filter.show_looks(shown)

    @on_conf_change(option="show_my_cells")
    def _on_show_my_cells(self, shown: bool) -> None:
        self.pane.calls.filter.show_my_cells(shown)

    # ---- what people do

    def share(self, on: bool) -> None:
        """The toggle."""
        self.sharing.set_mode(self._default_mode())
        if not on:
            self.sharing.follow()
        elif not self.sharing.status.pinned:
            self._follow_or_pin(self.get_conf("follow"))
        self.sharing.set_on(on)

    def share_at_start(self) -> None:
        if self.get_conf("share_at_start"):
            self.share_action.setChecked(True)

    def show_approval(self) -> None:
        """Bring the pane to the front; if a run waits, with it in view."""
        self.sig_show_requested.emit()
        if self._notice is not None:
            self._notice.hide()
        if self._waiting() is not None:
            self.pane.show_approval()

    def connect_client(self) -> None:
        """Show how Claude Code is connected."""
        if self._dialog is None:
            self._dialog = ConnectDialog(self.look, self)
            self._dialog.sig_register_requested.connect(self.registration.register)
            self.registration.sig_command_known.connect(self._dialog.show_command)
            self.registration.sig_registered.connect(self._dialog.show_outcome)
        self.registration.ask_command()
        self._dialog.show()
        self._dialog.raise_()

    def stop_runs(self) -> None:
        """Interrupt what agents run, in whichever kernel of this bridge. The user's cells are never touched."""
        unfinished = self.pane.model.unfinished()
        for share_id in {c.kernel_id for c in unfinished if texts.is_agent_run(c, STOPPABLE)}:
            self.bridge.interrupt(share_id)

    # ---- setting up

    def _connect(self) -> None:
        self.sharing.sig_status_changed.connect(self._show_status)
        self.sharing.sig_shared_console_changed.connect(self._guard_shared_console)
        self.bridge.sig_clients_changed.connect(self._show_clients)
        self.bridge.sig_activity_changed.connect(self._show_call)
        self.bridge.sig_outputs_changed.connect(self._fetch_if_in_view)
        self.feed.sig_arrived.connect(self._show_outputs)
        self.pane.sig_answered.connect(self._answer)
        self.pane.sig_outputs_wanted.connect(self.feed.want)
        self.pane.sig_ticked.connect(self._refresh_summary)
        self.pane.sig_variable_clicked.connect(self._request_variable)
        self.pane.sig_share_requested.connect(lambda: self.share_action.setChecked(True))
        self.pane.sig_connect_requested.connect(self.connect_client)

    def _apply_options(self) -> None:
        self.live_refresh.set_options(
            enabled=self.get_conf("refresh_variables"),
            interval_s=self.get_conf("refresh_interval_s"),
        )
        self.pane.model.set_capacity(self.get_conf("max_calls"))

    def _default_mode(self) -> Mode:
        """Ask me, if somebody has written nonsense into the configuration file."""
        value = self.get_conf("mode")
        return next((mode for mode in Mode if mode.value == value), Mode.ASK)

    def _echo_options(self) -> EchoOptions:
        return EchoOptions(self.get_conf("echo_in_console"), self.get_conf("echo_max_lines"))

    # ---- what the bridge reports

    def _show_status(self, status: Status) -> None:
        on = status.is_on
        if self.share_action.isChecked() != on:
            self.share_action.setChecked(on)
        self.share_action.setText(_("Sharing with Claude") if on else _("Share with Claude"))
        self.bar.show_sharing(on)
        self.bar.show_target(status.console, pinned=status.pinned)
        self._show_mode(status.mode)
        self.pane.message.say(status.sentence)
        self.pane.show_sharing(on)
        self._refresh_actions()

    def _show_mode(self, mode: Mode) -> None:
        self.bar.show_mode(texts.mode_text(mode), texts.mode_tip(mode), self.look.mode_icon(mode))
        self._mode_actions[mode].setChecked(True)

    def _show_clients(self, clients: tuple[ClientInfo, ...]) -> None:
        self._clients = clients
        self.pane.show_clients(clients)
        self._refresh_summary()

    def _show_call(self, share_id: str, call: Activity) -> None:
        self.pane.put_call(call)
        if call.state is State.WAITING_APPROVAL:
            self._notify(call)
        if call.state.is_final and call.kind is Kind.RUN and call.origin is Origin.AGENT:
            self.feed.want(share_id, call.number)
        self._refresh_actions()

    def _fetch_if_in_view(self, share_id: str, number: int) -> None:
        if self.pane.is_in_view((share_id, number)):
            self.feed.want(share_id, number)

    def _show_outputs(self, share_id: str, number: int, outputs: tuple[Output, ...]) -> None:
        self.pane.show_outputs((share_id, number), outputs)

    def _guard_shared_console(self) -> None:
        self.guarded.guard(self.sharing.shared_console)

    def _refresh_actions(self) -> None:
        unfinished = self.pane.model.unfinished()
        self.stop_action.setEnabled(any(texts.is_agent_run(c, STOPPABLE) for c in unfinished))
        self.live_refresh.note_running(any(texts.is_agent_run(c, GOING_ON) for c in unfinished))
        if self._notice is not None and self._waiting() is None:
            self._notice.hide()
        self._refresh_summary()

    def _refresh_summary(self) -> None:
        status = self.sharing.status
        summary = summarize(
            on=status.is_on,
            console=status.console,
            trouble=status.sentence,
            clients=self._clients,
            unfinished=self.pane.model.unfinished(),
        )
        if summary != self._summary:
            self._summary = summary
            self.sig_summary_changed.emit(summary)

    def _waiting(self) -> Activity | None:
        unfinished = self.pane.model.unfinished()
        return next((c for c in unfinished if c.state is State.WAITING_APPROVAL), None)

    def _notify(self, call: Activity) -> None:
        if not self.get_conf("notify") or not self.pane.visibleRegion().isEmpty():
            return
        if self._notice is None:
            self._notice = ApprovalNotice(self.look, self.get_plugin().get_main())
            self._notice.sig_show_requested.connect(self.show_approval)
        self._notice.tell(call.client, call.kernel)

    # ---- what people do in the pane

    def set_mode(self, mode: Mode) -> None:
        self.sharing.set_mode(mode)

    def _follow_or_pin(self, follow: bool) -> None:
        if follow:
            self.sharing.follow()
        else:
            self._pin_active()

    def _pin_active(self) -> None:
        if self.consoles.active is not None:
            self.sharing.pin(self.consoles.active)

    def share_only_active(self) -> None:
        self._pin_active()
        self.share_action.setChecked(True)

    def _fill_target_menu(self) -> None:
        menu, status = self._target_menu, self.sharing.status
        menu.clear()
        follow = menu.addAction(_("Follow the active console"))
        follow.triggered.connect(self.sharing.follow)
        menu.addSeparator()
        for shellwidget in self.consoles.all():
            title = shellwidget.ipyclient.get_name()
            action = menu.addAction(_("Only {}").format(title))
            action.triggered.connect(lambda _checked, sw=shellwidget: self.sharing.pin(sw))
            action.setCheckable(True)
            action.setChecked(status.pinned and title == status.console)
        follow.setCheckable(True)
        follow.setChecked(not status.pinned)

    def _answer(self, approval: str, answer: Answer) -> None:
        self.sharing.answer(approval, answer)

    def _selected_code(self) -> str:
        call = self.pane.calls.selected()
        return "" if call is None else call.code

    def copy_code(self) -> None:
        QApplication.clipboard().setText(self._selected_code())

    def insert_code(self) -> None:
        self.sig_insert_requested.emit(self._selected_code())

    def put_on_input_line(self) -> None:
        """The person runs it with Enter, as their own: with history, Stop button and all."""
        console = self.sharing.shared_console or self.consoles.active
        if console is None:
            self.pane.message.say(_("There is no console. Open one and try again."))
        elif console.input_buffer.strip():
            sentence = _("The input line of {} is not empty. Clear it and try again.")
            self.pane.message.say(sentence.format(console.ipyclient.get_name()))
        else:
            console.input_buffer = self._selected_code()
            console._control.setFocus()

    def _request_variable(self, name: str) -> None:
        if self.sharing.shared_console is not None:
            self.sig_variable_requested.emit(self.sharing.shared_console, name)

    def _request_refresh(self) -> None:
        if self.sharing.shared_console is not None:
            self.sig_refresh_requested.emit(self.sharing.shared_console)

    def show_filter(self, shown: bool) -> None:
        self.pane.show_filter(shown)

    def clear(self) -> None:
        self.pane.clear()

    def export_notebook(self) -> None:
        calls = self.pane.model.calls()
        text = export.as_notebook(calls, lambda call: self.pane.outputs(key_of(call)))
        self._save(_("Export as notebook"), _("Notebooks (*.ipynb)"), ".ipynb", text)

    def export_script(self) -> None:
        text = export.as_script(self.pane.model.calls())
        self._save(_("Export as script"), _("Python files (*.py)"), ".py", text)

    def _save(self, title: str, kinds: str, suffix: str, text: str) -> None:
        chosen, _kind = getsavefilename(self, title, f"claude{suffix}", kinds)
        if not chosen:
            return
        try:
            export.write(Path(chosen).with_suffix(suffix), text)
        except OSError as error:
            self.pane.message.say(_("It was not written: {}").format(error))
