"""The body of the pane: message, clients, calls, and below them the detail or the approval.

It holds what is shown and says what the person wants; it knows neither Spyder nor the bridge. The gallery shows it
without either.
"""

from __future__ import annotations

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QAction,
    QLineEdit,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cokernel.host import Activity, ClientInfo, Kind, Origin, Output, State
from spyder_mcp.translation import _
from spyder_mcp.widgets.approval import ApprovalPanel
from spyder_mcp.widgets.calls_model import CallKey, CallsModel, key_of
from spyder_mcp.widgets.calls_view import CallsView
from spyder_mcp.widgets.clients_line import ClientsLine
from spyder_mcp.widgets.detail import DetailView
from spyder_mcp.widgets.guide import Guide
from spyder_mcp.widgets.look import Look
from spyder_mcp.widgets.message_bar import MessageBar
from spyder_mcp.widgets.output_cache import OutputCache

TICK_MS = 1000
LIST_PX_DURING_APPROVAL = 110


class ClaudePane(QWidget):
    """What agents do, as it happens.

    Signals
    -------
    sig_answered(str, Answer)
        The person answered an approval.
    sig_outputs_wanted(str, int)
        The output of this call (kernel id, number) is in view: please show it with `show_outputs`.
    sig_variable_clicked(str)
        Show this variable.
    sig_share_requested(), sig_connect_requested()
        Steps of the guide.
    sig_ticked()
        A second has passed while something goes on.
    """

    sig_answered = Signal(str, object)
    sig_outputs_wanted = Signal(str, int)
    sig_variable_clicked = Signal(str)
    sig_share_requested = Signal()
    sig_connect_requested = Signal()
    sig_ticked = Signal()

    def __init__(
        self, look: Look, code_actions: list[QAction], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.model = CallsModel(self)
        self.message = MessageBar(look, self)
        self.clients = ClientsLine(look, self)
        self.search = QLineEdit(self)
        self.calls = CallsView(self.model, look, self)
        self.detail = DetailView(look, code_actions, self)
        self.approval = ApprovalPanel(look, self)
        self.guide = Guide(look, self)
        self._outputs = OutputCache()
        self._shared = False
        self._connected = False
        self._follow_newest = True
        self._sizes_without_approval: list[int] | None = None
        self._below = QStackedWidget(self)
        self._splitter = QSplitter(Qt.Orientation.Vertical, self)
        self._pages = QStackedWidget(self)
        self._ticker = QTimer(self)
        self._ticker.setInterval(TICK_MS)
        self._lay_out()
        self._connect()
        self._set_context_menu(code_actions)
        self.show_sharing(False)

    # ---- what is shown

    def show_sharing(self, shared: bool) -> None:
        """Whether something is shared now."""
        self._shared = shared
        self.clients.setVisible(shared)
        self._refresh_page()

    def show_clients(self, clients: tuple[ClientInfo, ...]) -> None:
        self._connected = bool(clients)
        self.clients.show_clients(clients)
        self._keep_ticking()
        self._refresh_page()

    def put_call(self, call: Activity) -> None:
        """A call began or went a step further."""
        is_new = self.model.find(key_of(call)) is None
        self.model.put(call)
        if is_new:
            self._choose_newest(call)
            self.calls.refresh_columns()
            self._refresh_page()
        self._refresh_below(call)
        self._keep_ticking()

    def show_outputs(self, key: CallKey, outputs: tuple[Output, ...]) -> None:
        """What a call has put out so far."""
        self._outputs.put(key, outputs)
        selected = self.calls.selected()
        if selected is not None and key_of(selected) == key:
            self.detail.show_call(selected, outputs)

    def outputs(self, key: CallKey) -> tuple[Output, ...]:
        """What was shown of a call's output; empty if nothing was."""
        return self._outputs.get(key)

    def is_in_view(self, key: CallKey) -> bool:
        selected = self.calls.selected()
        return selected is not None and key_of(selected) == key

    def clear(self) -> None:
        """Forget the calls that have ended."""
        self.model.clear_finished()
        self._outputs.keep_only({key_of(call) for call in self.model.calls()})
        self.detail.clear()
        self._refresh_page()

    def show_approval(self) -> None:
        """Bring the approval that waits into view, by the person's own wish."""
        self._follow_newest = True
        self._refresh_approval()
        self.approval.focus_answers()

    def show_filter(self, shown: bool) -> None:
        self.search.setVisible(shown)
        if shown:
            self.search.setFocus()
        else:
            self.search.clear()

    # ---- private

    def _lay_out(self) -> None:
        self.search.setPlaceholderText(_("Filter calls"))
        self.search.setAccessibleName(_("Filter calls"))
        self.search.setClearButtonEnabled(True)
        self.search.hide()
        for page in (self.detail, self.approval):
            self._below.addWidget(page)
        self._splitter.addWidget(self.calls)
        self._splitter.addWidget(self._below)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setSizes([200, 300])
        for page in (self.guide, self._splitter):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.message)
        layout.addWidget(self.clients)
        layout.addWidget(self.search)
        layout.addWidget(self._pages, stretch=1)

    def _connect(self) -> None:
        self.calls.sig_selected.connect(self._show_selected)
        self.calls.clicked.connect(self._note_reading)
        self.search.textChanged.connect(self.calls.filter.set_text)
        self.detail.sig_variable_clicked.connect(self.sig_variable_clicked)
        self.approval.sig_answered.connect(self.sig_answered)
        self.guide.sig_share_requested.connect(self.sig_share_requested)
        self.guide.sig_connect_requested.connect(self.sig_connect_requested)
        self._ticker.timeout.connect(self._tick)

    def _set_context_menu(self, actions: list[QAction]) -> None:
        menu = QMenu(self)
        menu.addActions(actions)
        self.calls.set_context_menu(menu)

    def _choose_newest(self, call: Activity) -> None:
        """Select a new run, unless the reader looks at an older one."""
        if self._follow_newest and call.origin is Origin.AGENT and call.kind is Kind.RUN:
            self.calls.select(key_of(call))

    def _note_reading(self) -> None:
        selected = self.calls.selected()
        runs = [c for c in self.model.calls() if c.origin is Origin.AGENT and c.kind is Kind.RUN]
        self._follow_newest = (
            bool(runs) and selected is not None and (key_of(selected) == key_of(runs[-1]))
        )

    def _show_selected(self, call: Activity | None) -> None:
        if call is None:
            self.detail.clear()
        else:
            self.detail.show_call(call, self.outputs(key_of(call)))
            self.sig_outputs_wanted.emit(*key_of(call))
        self._refresh_approval()

    def _refresh_below(self, call: Activity) -> None:
        if self.is_in_view(key_of(call)):
            self.detail.show_call(call, self.outputs(key_of(call)))
        self._refresh_approval()

    def _refresh_approval(self) -> None:
        """A run that waits for the person comes before anything the reader looks at."""
        waiting = [c for c in self.model.unfinished() if c.state is State.WAITING_APPROVAL]
        if waiting:
            self.approval.ask(waiting[0], len(waiting))
        self._below.setCurrentWidget(self.approval if waiting else self.detail)
        self._make_room_for_code(bool(waiting))

    def _make_room_for_code(self, waiting: bool) -> None:
        """The code that waits is read before it is allowed: a long list makes way for it, and comes back."""
        sizes = self._splitter.sizes()
        if waiting and self._sizes_without_approval is None:
            self._sizes_without_approval = sizes
            above = min(LIST_PX_DURING_APPROVAL, sizes[0])
            self._splitter.setSizes([above, sum(sizes) - above])
        elif not waiting and self._sizes_without_approval is not None:
            self._splitter.setSizes(self._sizes_without_approval)
            self._sizes_without_approval = None

    def _refresh_page(self) -> None:
        empty = self.model.rowCount() == 0
        self._pages.setCurrentWidget(self.guide if empty else self._splitter)
        self.guide.show_progress(shared=self._shared, connected=self._connected)

    def _keep_ticking(self) -> None:
        if self.model.unfinished() or self._connected:
            self._start_ticking()
        else:
            self._ticker.stop()

    def _start_ticking(self) -> None:
        if not self._ticker.isActive():
            self._ticker.start()

    def _tick(self) -> None:
        self.model.tick()
        self.detail.tick()
        self.clients.tick()
        self.sig_ticked.emit()
        self._keep_ticking()
