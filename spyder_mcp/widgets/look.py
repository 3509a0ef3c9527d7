"""Colours, fonts and icons of the pane, taken from Spyder's theme.

Spyder chooses its theme once, when it starts; so a `Look` is made once and handed down. Widgets ask it and never
Spyder, and the gallery can show both themes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import qtawesome
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    String,
    Token,
    _TokenType,
)
from qtpy.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QIcon

from cokernel.host import Mode, State


@dataclass(frozen=True)
class Look:
    """What the pane looks like under one theme."""

    dark: bool
    text: str
    muted: str
    """Second rank: times, durations, looks. Still readable on `background`."""
    background: str
    raised: str
    """Behind code and headings."""
    line: str
    accent: str
    ok: str
    error: str
    attention: str
    """Waiting for the person: the only state that may ask for attention."""
    code_colors: dict[str, tuple[str, bool, bool]]
    """Spyder's syntax colour scheme: role → (colour, bold, italic)."""
    mono: QFont
    """Monospace font in the size of the interface."""

    def icon(self, name: str, color: str | None = None) -> QIcon:
        """A Material Design icon; greyed by Qt itself where its action is disabled."""
        return qtawesome.icon(name, color=color or self.text, color_disabled=self.line)

    def state_icon(self, state: State) -> QIcon:
        """The sign of a call's state. A running one is drawn by the list, because it turns."""
        return self._state_icons[state]

    def mode_icon(self, mode: Mode) -> QIcon:
        """Stands for the mode where its words have no room."""
        return self.icon(_MODE_ICONS[mode])

    def state_color(self, state: State) -> str:
        """Colour for the word that names the state."""
        return self._role_color(_STATE_SIGNS[state][0])

    @cached_property
    def _state_icons(self) -> dict[State, QIcon]:
        return {
            state: self.icon(icon, self._role_color(role))
            for state, (role, icon) in _STATE_SIGNS.items()
        }

    def _role_color(self, role: str) -> str:
        return {
            "muted": self.muted,
            "attention": self.attention,
            "accent": self.accent,
            "ok": self.ok,
            "error": self.error,
        }[role]

    def code_style(self, token: _TokenType) -> tuple[str, bool, bool]:
        """(colour, bold, italic) of a Pygments token."""
        while token is not Token:
            role = _TOKEN_ROLES.get(token)
            if role is not None:
                return self.code_colors[role]
            token = token.parent
        return self.code_colors["normal"]


_STATE_SIGNS: dict[State, tuple[str, str]] = {
    State.QUEUED: ("muted", "mdi.clock-outline"),
    State.WAITING_APPROVAL: ("attention", "mdi.hand-left"),
    State.RUNNING: ("accent", "mdi.loading"),
    State.WAITING_INPUT: ("accent", "mdi.form-textbox"),
    State.OK: ("ok", "mdi.check"),
    State.ERROR: ("error", "mdi.close-circle-outline"),
    State.INTERRUPTED: ("muted", "mdi.stop-circle-outline"),
    State.ABORTED: ("muted", "mdi.minus-circle-outline"),
    State.DENIED: ("muted", "mdi.cancel"),
    State.RESTARTED: ("muted", "mdi.restart"),
    State.LOST: ("error", "mdi.link-off"),
    State.FAILED: ("error", "mdi.alert-circle-outline"),
}

_MODE_ICONS: dict[Mode, str] = {
    Mode.FREE: "mdi.play-circle-outline",
    Mode.ASK: "mdi.hand-left",
    Mode.LOOK: "mdi.eye-outline",
}

_TOKEN_ROLES: dict[_TokenType, str] = {
    Comment: "comment",
    Keyword: "keyword",
    Keyword.Constant: "builtin",
    Name.Builtin: "builtin",
    Name.Builtin.Pseudo: "instance",
    Name.Class: "definition",
    Name.Decorator: "magic",
    Name.Function: "definition",
    Number: "number",
    Operator.Word: "keyword",
    String: "string",
    Comment.Hashbang: "magic",
}


LOGO = "mdi.creation"
"""Stands for Claude in Spyder: the pane, the toggle, the status bar, the preferences."""


def spyder_look() -> Look:
    """The theme that Spyder runs with now."""
    # Imported here: palette and colour schemes are chosen by the configuration when they are first imported.
    from spyder.api.fonts import SpyderFontsMixin, SpyderFontType
    from spyder.config.gui import is_dark_interface
    from spyder.utils.palette import SpyderPalette as Palette

    return Look(
        dark=is_dark_interface(),
        text=Palette.COLOR_TEXT_1,
        muted=Palette.COLOR_TEXT_3,
        background=Palette.COLOR_BACKGROUND_1,
        raised=Palette.COLOR_BACKGROUND_2,
        line=Palette.COLOR_BACKGROUND_4,
        accent=Palette.ICON_2,
        ok=Palette.ICON_3,
        error=Palette.COLOR_ERROR_2,
        attention=Palette.COLOR_WARN_3,
        code_colors=_code_colors(),
        mono=_fixed_pitch(SpyderFontsMixin.get_font(SpyderFontType.MonospaceInterface)),
    )


def _fixed_pitch(font: QFont) -> QFont:
    """The font itself, or the system's where the configured family is not installed."""
    if QFontInfo(font).fixedPitch():
        return font
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    fixed.setStyleHint(QFont.StyleHint.Monospace)
    fixed.setPointSize(max(font.pointSize() - 1, 8))
    return fixed


def _code_colors() -> dict[str, tuple[str, bool, bool]]:
    from spyder.config.manager import CONF
    from spyder.utils.syntaxhighlighters import get_color_scheme

    roles = set(_TOKEN_ROLES.values()) | {"normal"}
    scheme = get_color_scheme(CONF.get("appearance", "selected"))
    return {role: _as_style(scheme[role]) for role in roles}


def _as_style(entry: tuple[str, bool, bool]) -> tuple[str, bool, bool]:
    color, bold, italic = entry
    return QColor(color).name(), bool(bold), bool(italic)
