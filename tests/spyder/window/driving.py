"""What a person does in Spyder, and what there is to see afterwards."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from agent import settled


def share(pane: Any, qtbot: Any, mode: str = "free") -> None:
    """Press the toggle and wait until the console is shared."""
    pane.set_conf("mode", mode)
    pane.share_action.setChecked(True)
    settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")


def records() -> list[dict[str, Any]]:
    """Share records as any agent finds them."""
    folder = Path(os.environ["COKERNEL_STATE_DIR"]) / "shares"
    found = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # it was withdrawn just now
            found.append(json.loads(path.read_text()))
    return found


def shows(title: str, connection_file: str) -> bool:
    """Whether there is exactly one record, and it is of this kernel."""
    found = records()
    return len(found) == 1 and (
        found[0]["title"] == title and found[0]["connection_file"] == connection_file
    )


def last_state(pane: Any) -> str:
    """How the newest call stands in the pane. What a client is told may be a moment ahead of it."""
    calls = pane.controller.pane.model.calls()
    return str(calls[-1].state.value) if calls else ""


def current(window: Any) -> Any:
    return window.ipyconsole.get_current_shellwidget()


def is_ready(console: Any) -> bool:
    return bool(
        console is not None
        and console.kernel_handler is not None
        and console.kernel_handler.connection_state in ("spyder_kernel_ready", "ipykernel_ready")
    )


def open_console(window: Any, qtbot: Any) -> Any:
    """A new console, ready and active."""
    before = current(window)
    window.ipyconsole.create_new_client()
    settled(qtbot, lambda: current(window) is not before and is_ready(current(window)))
    return current(window)


def text_of(console: Any) -> str:
    """All that a reader of the console sees."""
    return str(console._control.toPlainText())
