"""A Spyder of its own, in a process of its own, for what ends or begins it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
DEADLINE_S = 240

START = """\
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

pane = window.get_plugin("claude").get_widget()
until(lambda: console() is not None and console().spyder_kernel_ready)
"""

SHARE = """\
from agent import Agent
from driving import records
pane.set_conf("mode", "free")
pane.share_action.setChecked(True)
until(lambda: pane.controller.sharing.status.phase.value == "shared")
"""

# Spyder's own finalizers may crash or hang after everything of interest is over, as its own test runner knows.
EPILOGUE = "sys.__stdout__.flush()\nos._exit(0)\n"


def spyder_that(script: str, tmp_path: Path) -> str:
    """What a Spyder of its own prints."""
    code = START.format(here=str(HERE), parent=str(HERE.parent)) + script + EPILOGUE
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
