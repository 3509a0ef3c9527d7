"""Options and their defaults.

`CONF_VERSION`: raise the major part when an option is removed or renamed, the minor part when a default changes, the
patch part when an option is added.
"""

from __future__ import annotations

from spyder_mcp.api import ClaudeActions

CONF_SECTION = "claude"
CONF_VERSION = "1.0.0"
CONF_DEFAULTS = [
    (
        CONF_SECTION,
        {
            "share_at_start": False,
            "follow": True,
            "mode": "ask",
            "echo_in_console": True,
            "echo_max_lines": 500,
            "max_calls": 10_000,
            "refresh_variables": True,
            "refresh_interval_s": 3,
            "notify": True,
            "show_looks": True,
            "show_my_cells": False,
        },
    ),
    ("shortcuts", {f"{CONF_SECTION}/{ClaudeActions.ToggleShare}": "Ctrl+Alt+Shift+C"}),
]
