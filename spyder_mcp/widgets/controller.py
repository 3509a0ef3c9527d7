"""What is shared, what is seen of it, and the guards: joined here, and made when the pane is needed first.

It acts on the pane's main widget, whose signals ask other plugins of Spyder for what is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QApplication

from cokernel.host import Activity, ClientInfo, Kind, Mode, Origin, Output, State
from spyder_mcp.backend.bridge import Bridge
from spyder_mcp.backend.live_refresh import LiveRefresh
from spyder_mcp.backend.outputs_feed import OutputsFeed
from spyder_mcp.backend.sharing import Sharing, Status
from spyder_mcp.guards.attribution import Attribution
from spyder_mcp.guards.guarded_console import EchoOptions, GuardedConsole
from spyder_mcp.translation import _
from spyder_mcp.widgets import menus, texts
from spyder_mcp.widgets.connection import Connection
from spyder_mcp.widgets.exporting import Exporting
from spyder_mcp.widgets.notice import ApprovalNotice
from spyder_mcp.widgets.pane import ClaudePane
from spyder_mcp.widgets.signs import mode_icon
from spyder_mcp.widgets.summarizing import summarize
from spyder_mcp.widgets.summary import Summary

if TYPE_CHECKING:
    from spyder_mcp.widgets.main_widget import ClaudeWidget

STOPPABLE = (State.QUEUED, State.RUNNING, State.WAITING_INPUT)
GOING_ON = (State.RUNNING, State.WAITING_INPUT)


class Controller(QObject):
    """One for each window."""

    def __init__(self, widget: ClaudeWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._consoles = widget.consoles
        self.bridge = Bridge(self)
        self.sharing = Sharing(self.bridge, widget.consoles, self._default_mode(), self)
        self.feed = OutputsFeed(self.bridge, self)
        self.live_refresh = LiveRefresh(self._request_refresh, self)
        attribution = Attribution(lambda: self.sharing.kernel_session, widget.consoles.all)
        self.guarded = GuardedConsole(
            attribution, self._echo_options(), self.sharing.announce_restart
        )
        self.code_actions = menus.create_code_actions(widget, self)
        self.pane = ClaudePane(widget.look, self.code_actions, widget)
        self.connection = Connection(widget.look, widget)
        self.exporting = Exporting(self.pane)
        self._clients: tuple[ClientInfo, ...] = ()
        self._summary = Summary.off()
        self._notice: ApprovalNotice | None = None
        self._mode_actions = menus.fill_mode_menu(widget.mode_menu, self)
        self._set_up()

    @property
    def summary(self) -> Summary:
        """What the status bar shows."""
        return self._summary

    def close(self) -> None:
        """Spyder ends, or the plugin is taken out. May be called twice."""
        self.feed.stop()
        self.live_refresh.note_running(False)
        self.guarded.guard(None)
        self.sharing.close()

    # ---- options

    def apply_echo(self) -> None:
        self.guarded.set_options(self._echo_options())

    def apply_limits(self) -> None:
        self.live_refresh.set_options(
            enabled=self._widget.get_conf("refresh_variables"),
            interval_s=self._widget.get_conf("refresh_interval_s"),
        )
        self.pane.model.set_capacity(self._widget.get_conf("max_calls"))

    def apply_mode(self) -> None:
        self.set_mode(self._default_mode())

    def apply_follow(self) -> None:
        if self.sharing.status.is_on:
            self._follow_or_pin()

    def apply_filter(self) -> None:
        self.pane.calls.filter.show_looks(self._widget.get_conf("show_looks"))
        self.pane.calls.filter.show_my_cells(self._widget.get_conf("show_my_cells"))

    # ---- what people do

    def share(self, on: bool) -> None:
        """The toggle."""
        self.sharing.set_mode(self._default_mode())
        if not on:
            self.sharing.follow()
        elif not self.sharing.status.pinned:
            self._follow_or_pin()
        self.sharing.set_on(on)

    def share_only_active(self) -> None:
        self._pin_active()
        self._widget.share_action.setChecked(True)

    def stop_runs(self) -> None:
        """Interrupt what agents run, in whichever kernel of this bridge. The user's cells are never touched."""
        unfinished = self.pane.model.unfinished()
        for share_id in {c.kernel_id for c in unfinished if texts.is_agent_run(c, STOPPABLE)}:
            self.bridge.interrupt(share_id)

    def show_approval(self) -> None:
        """The pane is in front: if a run waits, with it in view."""
        if self._notice is not None:
            self._notice.hide()
        if self.waiting() is not None:
            self.pane.show_approval()

    def waiting(self) -> Activity | None:
        """The run that waits for the person; the oldest if there are several."""
        unfinished = self.pane.model.unfinished()
        return next((c for c in unfinished if c.state is State.WAITING_APPROVAL), None)

    # ---- setting up

    def _set_up(self) -> None:
        menus.fill_options_menu(self._widget, self)
        self._widget.target_menu.aboutToShow.connect(self._fill_target_menu)
        self._widget.layout().addWidget(self.pane)
        self._connect()
        self.apply_limits()
        self.apply_filter()
        self._show_status(self.sharing.status)

    def _connect(self) -> None:
        self.sharing.sig_status_changed.connect(self._show_status)
        self.sharing.sig_shared_console_changed.connect(self._guard_shared_console)
        self.bridge.sig_clients_changed.connect(self._show_clients)
        self.bridge.sig_activity_changed.connect(self._show_call)
        self.bridge.sig_outputs_changed.connect(self._fetch_if_in_view)
        self.feed.sig_arrived.connect(self._show_outputs)
        self.pane.sig_answered.connect(self.sharing.answer)
        self.pane.sig_outputs_wanted.connect(self.feed.want)
        self.pane.sig_ticked.connect(self._refresh_summary)
        self.pane.sig_variable_clicked.connect(self._request_variable)
        self.pane.sig_share_requested.connect(lambda: self._widget.share_action.setChecked(True))
        self.pane.sig_connect_requested.connect(self.connection.show)

    def _default_mode(self) -> Mode:
        """Ask me, if somebody has written nonsense into the configuration file."""
        value = self._widget.get_conf("mode")
        return next((mode for mode in Mode if mode.value == value), Mode.ASK)

    def _echo_options(self) -> EchoOptions:
        return EchoOptions(
            self._widget.get_conf("echo_in_console"), self._widget.get_conf("echo_max_lines")
        )

    # ---- what the bridge reports

    def _show_status(self, status: Status) -> None:
        on = status.is_on
        if self._widget.share_action.isChecked() != on:
            self._widget.share_action.setChecked(on)
        self._widget.share_action.setText(
            _("Sharing with Claude") if on else _("Share with Claude")
        )
        self._widget.bar.show_sharing(on)
        self._widget.bar.show_target(status.console, pinned=status.pinned)
        self._show_mode(status.mode)
        self.pane.message.say(status.sentence)
        self.pane.show_sharing(on)
        self._refresh_actions()

    def _show_mode(self, mode: Mode) -> None:
        self._widget.bar.show_mode(
            texts.mode_text(mode), texts.mode_tip(mode), mode_icon(self._widget.look, mode)
        )
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
        self._widget.stop_action.setEnabled(
            any(texts.is_agent_run(c, STOPPABLE) for c in unfinished)
        )
        self.live_refresh.note_running(any(texts.is_agent_run(c, GOING_ON) for c in unfinished))
        if self._notice is not None and self.waiting() is None:
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
            self._widget.sig_summary_changed.emit(summary)

    def _notify(self, call: Activity) -> None:
        if not self._widget.get_conf("notify") or not self.pane.visibleRegion().isEmpty():
            return
        if self._notice is None:
            self._notice = ApprovalNotice(self._widget.look, self._widget.get_plugin().get_main())
            self._notice.sig_show_requested.connect(self._widget.show_approval)
        self._notice.tell(texts.wish_text(call))

    # ---- what people do in the pane

    def set_mode(self, mode: Mode) -> None:
        self.sharing.set_mode(mode)

    def _follow_or_pin(self) -> None:
        if self._widget.get_conf("follow"):
            self.sharing.follow()
        else:
            self._pin_active()

    def _pin_active(self) -> None:
        if self._consoles.active is not None:
            self.sharing.pin(self._consoles.active)

    def _fill_target_menu(self) -> None:
        menu, status = self._widget.target_menu, self.sharing.status
        menu.clear()
        follow = menu.addAction(_("Follow the active console"))
        follow.triggered.connect(self.sharing.follow)
        menu.addSeparator()
        for shellwidget in self._consoles.all():
            title = shellwidget.ipyclient.get_name()
            action = menu.addAction(_("Only {}").format(title))
            action.triggered.connect(lambda _checked, sw=shellwidget: self.sharing.pin(sw))
            action.setCheckable(True)
            action.setChecked(status.pinned and title == status.console)
        follow.setCheckable(True)
        follow.setChecked(not status.pinned)

    def _selected_code(self) -> str:
        call = self.pane.calls.selected()
        return "" if call is None else call.code

    def copy_code(self) -> None:
        QApplication.clipboard().setText(self._selected_code())

    def insert_code(self) -> None:
        self._widget.sig_insert_requested.emit(self._selected_code())

    def put_on_input_line(self) -> None:
        """The person runs it with Enter, as their own: with history, Stop button and all."""
        console = self.sharing.shared_console or self._consoles.active
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
            self._widget.sig_variable_requested.emit(self.sharing.shared_console, name)

    def _request_refresh(self) -> None:
        if self.sharing.shared_console is not None:
            self._widget.sig_refresh_requested.emit(self.sharing.shared_console)

    def show_filter(self, shown: bool) -> None:
        self.pane.show_filter(shown)

    def clear(self) -> None:
        self.pane.clear()
