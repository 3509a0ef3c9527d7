"""The first line of the pane: share, which console, how much is allowed, stop.

Narrow panes keep every control and drop words: first of Stop, then of the toggle, then of the mode.
"""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import QAction, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from spyder_mcp.api import ClaudeWidgets
from spyder_mcp.translation import _

COMFORTABLE_PX = 440
NARROW_PX = 150
SPACING_PX = 2
PADDING_PX = 16
ICON_PX = 18
ICON_GAP_PX = 6
ARROW = " ▾"
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
        self._share = _Button(self, _("Share with Claude"))
        self._share.setDefaultAction(share)
        self._stop = _Button(self, _("Stop"))
        self._stop.setDefaultAction(stop)
        self._target = _Button(self, _("Which console is shared"), target_menu)
        self._mode = _Button(self, _("What Claude may do"), mode_menu)
        self._target_text = ""
        self._on = False
        self._lay_out()
        share.changed.connect(self._drop_words)
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
        tip = _("Only {} is shared.") if pinned else _("{} is shared; it follows the tab in front.")
        self._target.setToolTip(tip.format(self._target_text))
        self._drop_words()

    def show_mode(self, text: str, tip: str, icon: QIcon) -> None:
        """The icon stands for the mode where its words have no room."""
        self._mode.setText(text + ARROW)
        self._mode.setToolTip(tip)
        self._mode.setIcon(icon)
        self._drop_words()

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
        # Spyder's panes hide the arrow of menu buttons; ours is part of the text, here and in the gallery.
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")
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
        droppable = (self._stop, self._share, self._mode)
        for button in droppable:
            button.show_words(True)
        self._target.setText(self._target_text + ARROW)
        self._target.show_words(True)
        for button in droppable if self._on else ():
            if self._needed_px() <= self.width():
                return
            button.show_words(False)
        self._elide_target()

    def _needed_px(self) -> int:
        shown = [button for button in self._buttons() if not button.isHidden()]
        return sum(button.needed_px() + SPACING_PX for button in shown)

    def _elide_target(self) -> None:
        surplus = self._needed_px() - self.width()
        if surplus <= 0:
            return
        metrics = self._target.fontMetrics()
        room = metrics.horizontalAdvance(self._target_text) - surplus
        least = metrics.horizontalAdvance(SHORTEST_TARGET)
        middle = Qt.TextElideMode.ElideMiddle
        elided = metrics.elidedText(self._target_text, middle, max(room, least))
        self._target.setText(elided + ARROW)
        self._target.show_words(True)

    def _buttons(self) -> tuple[_Button, ...]:
        return (self._share, self._target, self._mode, self._stop)


class _Button(QToolButton):
    """As wide as its words: Spyder's style gives every button of a pane the width of an icon."""

    def __init__(self, parent: QWidget, name: str, menu: QMenu | None = None) -> None:
        super().__init__(parent)
        self.setAutoRaise(True)
        self.setAccessibleName(name)
        if menu is not None:
            self.setMenu(menu)
            self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def show_words(self, shown: bool) -> None:
        if not shown:
            style = Qt.ToolButtonStyle.ToolButtonIconOnly
        elif self.menu() is not None:
            style = Qt.ToolButtonStyle.ToolButtonTextOnly
        else:
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        self.setToolButtonStyle(style)
        self.setFixedWidth(self.needed_px())

    def needed_px(self) -> int:
        words = self.fontMetrics().horizontalAdvance(self.text())
        if self.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly:
            return ICON_PX + PADDING_PX
        if self.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextOnly:
            return words + PADDING_PX
        return words + ICON_PX + ICON_GAP_PX + PADDING_PX
