"""The selected call: a heading with its state, then the whole of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import QSize, Qt, QUrl, Signal
from qtpy.QtGui import QImage, QResizeEvent
from qtpy.QtWidgets import (
    QAction,
    QHBoxLayout,
    QSizePolicy,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cokernel.host import Activity, Kind, Origin, Output
from spyder_mcp.translation import _
from spyder_mcp.widgets import texts
from spyder_mcp.widgets.call_document import VARIABLE_SCHEME, CallDocument
from spyder_mcp.widgets.calls_model import key_of
from spyder_mcp.widgets.elided import ElidedLabel
from spyder_mcp.widgets.look import Look

MARGIN_PX = 8


class DetailView(QWidget):
    """Shows one call.

    Signals
    -------
    sig_variable_clicked(str)
        The reader wants to see a variable that the call changed.
    """

    sig_variable_clicked = Signal(str)

    def __init__(self, look: Look, actions: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._call: Activity | None = None
        self._heading = ElidedLabel(self)
        self._browser = _Browser(self)
        self._browser.sig_variable_clicked.connect(self.sig_variable_clicked)
        self._document = CallDocument(self._browser.document(), look)
        self._browser.image_of = self._document.image
        self._browser.sig_resized.connect(self._document.fit_images)
        self._buttons = [_button(action, self) for action in actions]
        self._lay_out()

    @property
    def browser(self) -> QTextBrowser:
        return self._browser

    def show_call(self, call: Activity, outputs: tuple[Output, ...]) -> None:
        """Show a call as it stands now; the reader's place in it stays."""
        same = self._call is not None and key_of(self._call) == key_of(call)
        place, at_end = self._place()
        self._call = call
        self._document.show(call, outputs)
        self._go_to(place if same else 0, at_end=same and at_end and not call.state.is_final)
        self.tick()
        self._set_code_actions(call.kind is Kind.RUN or call.origin is Origin.USER)

    def clear(self) -> None:
        self._call = None
        self._document.clear()
        self._heading.setText("")
        self._set_code_actions(False)

    def tick(self) -> None:
        """Bring the heading up to date: a running call counts its seconds."""
        if self._call is not None:
            self._heading.setText(_heading(self._call))

    # ---- private

    def _place(self) -> tuple[int, bool]:
        bar = self._browser.verticalScrollBar()
        return bar.value(), bar.value() >= bar.maximum()

    def _go_to(self, place: int, *, at_end: bool) -> None:
        bar = self._browser.verticalScrollBar()
        bar.setValue(bar.maximum() if at_end else place)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(MARGIN_PX, 2, 2, 2)
        top.setSpacing(0)
        top.addWidget(self._heading, stretch=1)
        for button in self._buttons:
            top.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._browser, stretch=1)

    def _set_code_actions(self, enabled: bool) -> None:
        for button in self._buttons:
            button.defaultAction().setEnabled(enabled)


class _Browser(QTextBrowser):
    """Loads nothing from anywhere but its call: what a kernel put out may name files and addresses."""

    sig_variable_clicked = Signal(str)
    sig_resized = Signal(int)
    """Pixels there are for an image."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.image_of: Callable[[str], QImage | None] = lambda _name: None
        self.setOpenLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.setAccessibleName(_("Code and output of the selected call"))
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(MARGIN_PX)
        self.anchorClicked.connect(self._follow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.sig_resized.emit(self.viewport().width() - 2 * MARGIN_PX)

    def loadResource(self, kind: int, name: QUrl) -> QImage | None:
        """Asked for by the document when an image is to be painted."""
        return self.image_of(name.toString())

    def _follow(self, url: QUrl) -> None:
        if url.scheme() == VARIABLE_SCHEME:
            self.sig_variable_clicked.emit(url.path())


def _heading(call: Activity) -> str:
    now, state = time.time(), texts.state_text(call)
    reason = call.reason if call.state.is_final else ""
    if reason.startswith(state):  # "denied by you" says it all
        state, reason = reason, ""
    parts = [
        f"{state} {texts.elapsed_text(call, now)}".strip(),
        reason,
        f"In [{call.execution_count}]" if call.execution_count is not None else "",
        texts.clock_text(call.created_at),
        call.client,
        call.kernel,
    ]
    return " · ".join(part for part in parts if part)


def _button(action: QAction, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setDefaultAction(action)
    button.setAutoRaise(True)
    button.setIconSize(QSize(16, 16))
    button.setAccessibleName(action.text())
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return button
