"""Colours, fonts and icons of the pane, taken from Spyder's theme.

Spyder chooses its theme once, when it starts; so a `Look` is made once and handed down. Widgets ask it and never
Spyder, and the gallery can show both themes. Imported when Spyder starts: nothing here knows calls or code.
"""

from __future__ import annotations

from dataclasses import dataclass

import qtawesome
from qtpy.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QIcon


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


CODE_ROLES = (
    "normal",
    "builtin",
    "comment",
    "definition",
    "instance",
    "keyword",
    "magic",
    "number",
    "string",
)
"""Names in Spyder's syntax colour schemes."""

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

    scheme = get_color_scheme(CONF.get("appearance", "selected"))
    return {role: _as_style(scheme[role]) for role in CODE_ROLES}


def _as_style(entry: tuple[str, bool, bool]) -> tuple[str, bool, bool]:
    color, bold, italic = entry
    return QColor(color).name(), bool(bold), bool(italic)
