"""The first line of the pane: share, which console, how much is allowed, stop.

Narrow panes keep every control and drop words: first of Stop and the mode, then of the toggle.
"""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAction, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from spyder_mcp.api import ClaudeWidgets
from spyder_mcp.translation import _

COMFORTABLE_PX = 440
NARROW_PX = 150
SPACING_PX = 2
SHORTEST_TARGET = "Console…"


class ShareBar(QWidget):
    """Buttons over actions and menus that others own."""

    ID = ClaudeWidgets.ShareBar

    def __init__(
        self,
        *,
        share: QAction,
        stop: QAction,
        target_menu: QMenu,
        mode_menu: QMenu,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._share = _button(self, share, _("Share with Claude"))
        self._stop = _button(self, stop, _("Stop"))
        self._target = _menu_button(self, target_menu, _("Which console is shared"))
        self._mode = _menu_button(self, mode_menu, _("What Claude may do"))
        self._target_text = ""
        self._on = False
        self._lay_out()
        self.show_target("", pinned=False)

    def show_sharing(self, on: bool) -> None:
        """Target, mode and Stop are shown while something is shared."""
        self._on = on
        for button in (self._target, self._mode, self._stop):
            button.setVisible(on)
        self._drop_words()

    def show_target(self, title: str, *, pinned: bool) -> None:
        """`title` is the console's own name."""
        self._target_text = title or _("No console")
        tip = (
            _("Only {} is shared.")
            if pinned
            else _("{} is shared; sharing follows the active console.")
        )
        self._target.setToolTip(tip.format(self._target_text))
        self._drop_words()

    def show_mode(self, text: str, tip: str) -> None:
        self._mode.setText(text)
        self._mode.setToolTip(tip)
        self._drop_words()

    def set_mode_icon(self, action: QAction) -> None:
        """The sign that stands for the mode where its words have no room."""
        self._mode.setIcon(action.icon())

    # ---- Qt

    def sizeHint(self) -> QSize:
        return QSize(COMFORTABLE_PX, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROW_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._drop_words()

    # ---- private

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING_PX)
        for button in (self._share, self._target, self._mode):
            layout.addWidget(button)
        layout.addStretch(1)
        layout.addWidget(self._stop)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def _drop_words(self) -> None:
        """Show as many words as there is room for; what must be read longest is dropped last."""
        droppable = [self._stop, self._share, self._mode] if self._on else []
        for button in (self._stop, self._share, self._mode):
            _show_words(button, True)
        self._target.setText(self._target_text)
        for button in droppable:
            if self._needed_px() <= self.width():
                return
            _show_words(button, False)
        self._elide_target()

    def _needed_px(self) -> int:
        shown = [b for b in self._buttons() if not b.isHidden()]
        return sum(button.sizeHint().width() + SPACING_PX for button in shown)

    def _elide_target(self) -> None:
        metrics = self._target.fontMetrics()
        surplus = self._needed_px() - self.width()
        room = metrics.horizontalAdvance(self._target_text) - max(surplus, 0)
        least = metrics.horizontalAdvance(SHORTEST_TARGET)
        middle = Qt.TextElideMode.ElideMiddle
        self._target.setText(metrics.elidedText(self._target_text, middle, max(room, least)))

    def _buttons(self) -> tuple[QToolButton, ...]:
        return (self._share, self._target, self._mode, self._stop)


def _button(parent: QWidget, action: QAction, name: str) -> QToolButton:
    button = QToolButton(parent)
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setAutoRaise(True)
    button.setAccessibleName(name)
    return button


def _menu_button(parent: QWidget, menu: QMenu, name: str) -> QToolButton:
    button = QToolButton(parent)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setAutoRaise(True)
    button.setAccessibleName(name)
    return button


def _show_words(button: QToolButton, shown: bool) -> None:
    has_icon = not button.icon().isNull()
    with_words = (
        Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        if has_icon
        else Qt.ToolButtonStyle.ToolButtonTextOnly
    )
    style = with_words if shown else Qt.ToolButtonStyle.ToolButtonIconOnly
    if button.toolButtonStyle() != style:
        button.setToolButtonStyle(style)
