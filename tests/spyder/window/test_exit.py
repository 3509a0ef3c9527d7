"""Spyder ends while a call is in flight; the plugin is taken out while Spyder runs. Nothing stays behind.

Each in a Spyder of its own, in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.live]

HERE = Path(__file__).parent
DEADLINE_S = 150

PROLOGUE = """\
import os, sys, time
sys.path[:0] = [{here!r}, {parent!r}]
import conftest as root  # sets what must be set before Spyder is imported
from qtpy.QtWidgets import QApplication
from spyder.config.manager import CONF
from window.conftest import _configure
_configure(CONF)
from spyder.app import start
window = start.main()
app = QApplication.instance()

def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, condition
        app.processEvents()
        time.sleep(0.01)

def console():
    return window.ipyconsole.get_current_shellwidget()

from agent import Agent
from driving import records
pane = window.get_plugin("claude").get_widget()
until(lambda: console() is not None and console().spyder_kernel_ready)
pane.set_conf("mode", "free")
pane.share_action.setChecked(True)
until(lambda: pane.sharing.status.phase.value == "shared")
"""

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
sys.__stdout__.flush()
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
sys.__stdout__.flush()
"""

# Spyder's own finalizers may crash or hang after everything of interest is over, as its own test runner knows.
EPILOGUE = "os._exit(0)\n"


def spyder_that(script: str, tmp_path: Path) -> str:
    """What a Spyder of its own prints."""
    code = PROLOGUE.format(here=str(HERE), parent=str(HERE.parent)) + script + EPILOGUE
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(code), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=dict(os.environ, SPYDER_PYTEST="True"),
    )
    assert run.returncode == 0, run.stderr[-3000:] + run.stdout
    return run.stdout


@pytest.mark.timeout(DEADLINE_S + 30)
def test_spyder_ends_soon_with_a_call_in_flight(tmp_path: Path) -> None:
    said = spyder_that(EXIT, tmp_path)
    lines = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    assert lines["outcome"]
    assert float(lines["seconds"]) <= 8
    assert lines["records"] == "[]"


@pytest.mark.timeout(DEADLINE_S + 30)
def test_the_plugin_taken_out_leaves_nothing(tmp_path: Path) -> None:
    said = spyder_that(TAKE_OUT, tmp_path)
    assert "left: [] []" in said
    assert "console: alive" in said
