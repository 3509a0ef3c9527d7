"""Preferences. Every setting applies at once."""

from __future__ import annotations

from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget
from spyder.api.preferences import PluginConfigPage

from spyder_mcp.translation import _


class ClaudeConfigPage(PluginConfigPage):
    def setup_page(self) -> None:
        layout = QVBoxLayout(self)
        for group in (self._sharing(), self._console(), self._pane()):
            layout.addWidget(group)
        layout.addStretch(1)

    def _sharing(self) -> QGroupBox:
        # Imported when the page is opened: Spyder's start needs neither.
        from cokernel.host import Mode
        from spyder_mcp.widgets.texts import mode_text

        modes = [(mode_text(mode), mode.value) for mode in Mode]
        return _group(
            _("Sharing"),
            self.create_checkbox(
                _("Start sharing when Spyder starts"),
                "share_at_start",
                tip=_("Otherwise nothing is shared until you press Share with Claude."),
            ),
            self.create_checkbox(
                _("Follow the active console"),
                "follow",
                tip=_("Otherwise the console that was active when sharing began stays shared."),
            ),
            self.create_combobox(
                _("What Claude may do:"),
                modes,
                "mode",
                tip=_("You can change it in the pane at any time."),
            ),
        )

    def _console(self) -> QGroupBox:
        return _group(
            _("Console"),
            self.create_checkbox(
                _("Show Claude's code and output in the console"), "echo_in_console"
            ),
            self.create_spinbox(
                _("At most"),
                _("lines of output for each run"),
                "echo_max_lines",
                min_=10,
                max_=10_000,
                step=100,
                tip=_("The pane has the rest."),
            ),
            self.create_checkbox(
                _("Refresh the Variable Explorer during Claude's runs"), "refresh_variables"
            ),
            self.create_spinbox(
                _("Every"), _("seconds"), "refresh_interval_s", min_=1, max_=60, step=1
            ),
        )

    def _pane(self) -> QGroupBox:
        return _group(
            _("Pane"),
            self.create_checkbox(_("Tell me when Claude waits and the pane is hidden"), "notify"),
            self.create_spinbox(
                _("Keep at most"), _("calls"), "max_calls", min_=100, max_=100_000, step=1000
            ),
        )


def _group(title: str, *rows: QWidget) -> QGroupBox:
    group = QGroupBox(title)
    layout = QVBoxLayout(group)
    for row in rows:
        layout.addWidget(row)
    return group
