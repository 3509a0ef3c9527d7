"""What the gallery shows: the bar and the pane with plain actions, and a function for each state."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QAction, QMenu, QVBoxLayout, QWidget

from cokernel.host import Mode
from spyder_mcp.widgets import samples, texts
from spyder_mcp.widgets.calls_model import key_of
from spyder_mcp.widgets.look import LOGO, spyder_look
from spyder_mcp.widgets.pane import ClaudePane
from spyder_mcp.widgets.share_bar import ShareBar
from spyder_mcp.widgets.signs import mode_icon


class GalleryPane(QWidget):
    """The pane as it stands in Spyder, with actions that do nothing."""

    def __init__(self) -> None:
        super().__init__()
        look = spyder_look()
        self.share = QAction(look.icon(LOGO), "Share with Claude", self)
        self.share.setCheckable(True)
        self.stop = QAction(look.icon("mdi.stop", look.error), "Stop", self)
        self.stop.setEnabled(False)
        copy = QAction(look.icon("mdi.content-copy"), "Copy code", self)
        insert = QAction(look.icon("mdi.file-edit-outline"), "Insert code into the editor", self)
        rerun = QAction(look.icon("mdi.console-line"), "Put code on the input line", self)
        self.bar = ShareBar(
            share=self.share,
            stop=self.stop,
            target_menu=_menu(self, "Follow the active console", "Console 1/A"),
            mode_menu=_menu(self, "Run freely", "Ask me", "Look only"),
        )
        self.pane = ClaudePane(look, [copy, insert, rerun])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3, 3, 3, 3)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.pane, stretch=1)
        ask = Mode.ASK
        self.bar.show_mode(texts.mode_text(ask), texts.mode_tip(ask), mode_icon(look, ask))
        self.bar.show_sharing(False)

    def share_console(self) -> None:
        self.share.setChecked(True)
        self.share.setText("Sharing with Claude")
        self.bar.show_target(samples.CONSOLE, pinned=False)
        self.bar.show_sharing(True)
        self.pane.show_sharing(True)

    def connect_client(self) -> None:
        self.share_console()
        self.pane.show_clients((samples.client(),))

    def fill(self) -> None:
        self.connect_client()
        for call in samples.earlier():
            self.pane.put_call(call)


def _menu(parent: QWidget, *texts_: str) -> QMenu:
    menu = QMenu(parent)
    for text in texts_:
        menu.addAction(text)
    return menu


def _off(_shown: GalleryPane) -> None:
    """As after a first start."""


def _running(shown: GalleryPane) -> None:
    shown.fill()
    call, outputs = samples.running()
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), outputs)
    shown.stop.setEnabled(True)


def _done(shown: GalleryPane) -> None:
    shown.fill()
    call, outputs = samples.done()
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), outputs)


def _approval(shown: GalleryPane) -> None:
    shown.fill()
    shown.pane.put_call(samples.waiting())


def _two_approvals(shown: GalleryPane) -> None:
    _approval(shown)
    shown.pane.put_call(samples.waiting(7))


def _error(shown: GalleryPane) -> None:
    shown.fill()
    shown.pane.put_call(samples.failed())


def _table(shown: GalleryPane) -> None:
    shown.fill()
    call, outputs = samples.table()
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), outputs)


def _plot(shown: GalleryPane) -> None:
    shown.fill()
    call, outputs = samples.plot()
    shown.pane.put_call(call)
    shown.pane.show_outputs(key_of(call), outputs)


def _endings(shown: GalleryPane) -> None:
    shown.fill()
    for call in samples.endings():
        shown.pane.put_call(call)


def _many(shown: GalleryPane) -> None:
    shown.connect_client()
    for call in samples.many():
        shown.pane.put_call(call)


def _two_clients(shown: GalleryPane) -> None:
    shown.fill()
    desktop = samples.client("Claude Desktop", minutes=2, runs=1)
    shown.pane.show_clients((samples.client(), desktop))
    shown.pane.put_call(samples.call(6, "len(df)", client="Claude Desktop", ago=3))


def _lost(shown: GalleryPane) -> None:
    shown.fill()
    shown.bar.show_target("", pinned=False)
    shown.pane.message.say("Console 1/A was closed. Choose another console to go on.")


def _long_name(shown: GalleryPane) -> None:
    shown.fill()
    shown.bar.show_target("analysis of the second beam time/A", pinned=True)


STATES: dict[str, Callable[[GalleryPane], None]] = {
    "off": _off,
    "shared": GalleryPane.share_console,
    "connected": GalleryPane.connect_client,
    "running": _running,
    "done": _done,
    "approval": _approval,
    "two-approvals": _two_approvals,
    "error": _error,
    "table": _table,
    "plot": _plot,
    "endings": _endings,
    "many": _many,
    "two-clients": _two_clients,
    "lost": _lost,
    "long-name": _long_name,
}
