"""Spyder ends while a call is in flight; the plugin is taken out while Spyder runs. Nothing stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_spyder import DEADLINE_S, SHARE, spyder_that

pytestmark = [pytest.mark.slow, pytest.mark.live]

EXIT = """\
agent = Agent().__enter__()
sleeping = agent.run("import time; time.sleep(30)")
until(pane.stop_action.isEnabled)
began = time.monotonic()
window.closing(close_immediately=True)
window.close()
until(sleeping.done, 8)
print("outcome:", sleeping.result(0).splitlines()[0], file=sys.__stdout__)
print("seconds:", time.monotonic() - began, file=sys.__stdout__)
print("records:", records(), file=sys.__stdout__)
agent.__exit__()
"""

TAKE_OUT = """\
import threading
from qtpy.QtWidgets import QWidget
from spyder.api.plugin_registration.registry import PLUGIN_REGISTRY
from spyder.api.plugins import Plugins
shellwidget = console()
PLUGIN_REGISTRY.delete_plugin("claude")
until(lambda: records() == [], 8)
until(lambda: not [t for t in threading.enumerate() if t.name == "cokernel"], 8)
left = [n for n in vars(shellwidget) if n.startswith("_handle_")]
menu = window.get_plugin(Plugins.MainMenu).get_application_menu("consoles_menu")
menu.aboutToShow.emit()
toolbar = window.get_plugin(Plugins.Toolbar).get_application_toolbar("main_toolbar")
tab_menu = window.ipyconsole.get_widget().tabwidget.menu
tab_menu.aboutToShow.emit()
texts = [a.text() for part in (menu, toolbar, tab_menu) for a in part.actions()]
texts += [w.objectName() for w in window.statusBar().findChildren(QWidget) if "claude" in str(getattr(w, "ID", ""))]
print("left:", left, [t for t in texts if "Claude" in t], file=sys.__stdout__)
with_run = []
shellwidget.executed.connect(with_run.append)
shellwidget.execute("alive = 1")
until(lambda: with_run, 20)
print("console: alive", file=sys.__stdout__)
"""


@pytest.mark.timeout(DEADLINE_S + 30)
def test_spyder_ends_soon_with_a_call_in_flight(tmp_path: Path) -> None:
    said = spyder_that(SHARE + EXIT, tmp_path)
    lines = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    assert lines["outcome"]
    assert float(lines["seconds"]) <= 8
    assert lines["records"] == "[]"


@pytest.mark.timeout(DEADLINE_S + 30)
def test_the_plugin_taken_out_leaves_nothing(tmp_path: Path) -> None:
    said = spyder_that(SHARE + TAKE_OUT, tmp_path)
    assert "left: [] []" in said
    assert "console: alive" in said
