"""Pictures of the real plugin in a real Spyder window, with a real client at work::

    xvfb-run -s "-screen 0 1600x1000x24" python tests/spyder/screenshots.py              # those of the manual
    xvfb-run -s "-screen 0 1600x1000x24" python tests/spyder/screenshots.py --all FOLDER  # every state, to look at

A window manager on that screen (openbox) gives the window its size. Nothing of the user's configuration is touched.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from math import sin
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
IMAGES = HERE.parents[1] / "docs" / "images"
COLOR_SCHEMES = {"dark": "spyder/dark", "light": "spyder"}
WIDTH, HEIGHT = 1360, 820
TIMEOUT_S = 60.0

OWN_CELL = "import time, numpy as np, pandas as pd, matplotlib.pyplot as plt"
READ = 'df = pd.read_csv("runs.csv", parse_dates=["time"])'
LOOKS = 'df.groupby("detector")["signal"].agg(["mean", "std", "max"])'
PLOT = """\
smooth = df["signal"].rolling(12).mean()
fig, ax = plt.subplots(figsize=(6, 3.2))
ax.plot(df["time"], df["signal"], lw=0.6, alpha=0.6, label="raw")
ax.plot(df["time"], smooth, label="12 h mean")
ax.legend(); ax.set_ylabel("signal"); fig.autofmt_xdate()
plt.show()
"""
FIT = """\
best = np.inf
for epoch in range(1, 41):
    loss = 0.9 * np.exp(-epoch / 8) + 0.08
    best = min(best, loss)
    print(f"epoch {epoch:2d}/40  loss {loss:.3f}", flush=True)
    time.sleep(0.7)
"""
DELETE = """\
# Keep one reading a day, drop the rest
daily = df.set_index("time").resample("D")["signal"].mean()
df = df[df["signal"].abs() < 3 * df["signal"].std()]
daily.to_csv("daily.csv")
"""
SCRIPT = """\
# %% Beam time, March
import numpy as np
import pandas as pd

runs = pd.read_csv("runs.csv")
runs["time"] = pd.to_datetime(runs["time"])

# %% Two detectors, one clock
drift = runs.groupby("detector")["signal"].mean()
"""
WRONG = 'by_day = df.groupby("day")\nby_day["signal"].mean()'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--theme", choices=sorted(COLOR_SCHEMES), default="dark")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every state, into this folder")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="pixels for each unit, as on a 4K screen"
    )
    parser.add_argument("--language", default="en")
    arguments = parser.parse_args()
    if arguments.all:
        arguments.all = arguments.all.resolve()  # before the working directory is another one
    with tempfile.TemporaryDirectory(prefix="ck-") as folder:
        work = _prepare(Path(folder))
        code = _take(arguments, work)
    # Qt's and Spyder's finalizers have nothing to add to pictures that are written.
    sys.stdout.flush()
    if sys.__stderr__ is not None:
        sys.__stderr__.flush()
    os._exit(code)


def _take(arguments: argparse.Namespace, work: Path) -> int:
    studio = Studio(arguments.theme, work, arguments.scale, arguments.language)
    try:
        if arguments.all:
            studio.take_all(arguments.all)
        else:
            studio.take_for_manual(IMAGES)
    except Exception:  # noqa: BLE001  # outermost: Spyder's own hook would show it in a dialog that nobody sees
        traceback.print_exc(file=sys.__stderr__)
        return 1
    studio.close()
    return 0


def _prepare(folder: Path) -> Path:
    """The folder that the person in the pictures works in."""
    # `start.main` then returns the window, and the configuration is a clean one in a temporary folder.
    os.environ["SPYDER_PYTEST"] = "True"
    os.environ["COKERNEL_STATE_DIR"] = str(folder / "state")
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
    work = folder / "beamtime"
    work.mkdir()
    sys.path.insert(0, str(HERE))
    sys.argv[1:] = []
    lines = [
        f"2026-03-{2 + n // 24:02d} {n % 24:02d}:00,{'AB'[n % 2]},{sin(n / 19) + (n * 37 % 11) / 40:.4f}"
        for n in range(400)
    ]
    table = "time,detector,signal\n" + "\n".join(lines)
    (work / "runs.csv").write_text(table, encoding="utf-8")
    (work / "beamtime.py").write_text(SCRIPT, encoding="utf-8")
    return work


class Studio:
    """Spyder's window, an agent, and the camera."""

    def __init__(self, theme: str, work: Path, scale: float, language: str) -> None:
        from qtpy import QtWebEngineWidgets  # noqa: F401  # before there is a QApplication
        from spyder.config.base import save_lang_conf
        from spyder.config.manager import CONF

        save_lang_conf(language)
        self._theme = theme
        self._work_folder = work
        _configure(CONF, theme, scale)
        from spyder.app import start

        self._window: Any = start.main()
        self._window.showNormal()
        self._window.resize(WIDTH, HEIGHT)
        self._arrange()
        self._pane: Any = self._window.get_plugin("claude").get_widget()
        self._wait(self._console_is_ready)
        console = self._window.ipyconsole.get_current_shellwidget()
        console.execute(f"%cd -q {self._work_folder}", hidden=True)
        console.execute(OWN_CELL)
        self._settle(2)

    def _arrange(self) -> None:
        """The pane large, a script in the editor, no paths of this machine."""
        from qtpy.QtCore import Qt
        from spyder.api.widgets.status import StatusBarWidget

        editor = self._window.get_plugin("editor")
        editor.load(str(self._work_folder / "beamtime.py"))
        self._window.get_plugin("toolbar").get_application_toolbar(
            "working_directory_toolbar"
        ).hide()
        editor.get_current_editorstack().close_file(0)  # Spyder's own temp.py
        console = self._window.get_plugin("ipython_console").get_widget()
        for stray in console.findChildren(StatusBarWidget):  # Spyder's own, left without a place
            if stray.parent() is console:
                stray.hide()
        docks = [self._window.get_plugin(name).dockwidget for name in ("editor", "claude")]
        self._raise_pane()
        self._window.resizeDocks(docks, [WIDTH * 2 // 5, WIDTH * 3 // 5], Qt.Horizontal)
        console = self._window.get_plugin("ipython_console").dockwidget
        self._window.resizeDocks([docks[1], console], [480, 220], Qt.Vertical)

    # ---- what is taken

    def take_for_manual(self, folder: Path) -> None:
        from agent import Agent

        folder.mkdir(parents=True, exist_ok=True)
        self._share("free")
        with Agent() as agent:
            self._work(agent)
            running = agent.run(FIT)
            self._wait(lambda: self._shows_output("epoch  5/40"))
            self._shoot(folder / "spyder-running.png")
            self._stop(running)
            self._pane.controller.sharing.set_mode(self._mode("ask"))
            waiting = agent.run(DELETE)
            self._wait(lambda: self._pane.controller.pane.approval._once.isEnabled())
            self._shoot(folder / "spyder-approval.png")
            self._pane.controller.pane.approval._deny.click()
            self._finish(waiting)

    def take_all(self, folder: Path) -> None:
        from agent import Agent

        folder.mkdir(parents=True, exist_ok=True)

        def shoot(name: str) -> None:
            self._shoot(folder / f"{name}-{self._theme}.png")

        shoot("empty")
        self._share("free")
        shoot("shared")
        with Agent() as agent:
            self._work(agent)
            shoot("image")
            self._finish(agent.run(LOOKS))
            shoot("table")
            running = agent.run(FIT)
            self._wait(lambda: self._shows_output("epoch  5/40"))
            shoot("running")
            self._stop(running)
            self._finish(agent.run(WRONG))
            shoot("error")
            self._pane.controller.sharing.set_mode(self._mode("ask"))
            self._hide_pane()
            waiting = agent.run(DELETE)
            self._wait(lambda: self._pane.controller.waiting() is not None)
            shoot("hidden")
            self._pane.controller._notice.sig_show_requested.emit()
            self._wait(lambda: self._pane.controller.pane.approval._once.isEnabled())
            shoot("approval")
            self._pane.controller.pane.approval._deny.click()
            self._finish(waiting)
        self._narrow(folder)
        self._preferences(folder / f"preferences-{self._theme}.png")
        self._dialog(folder / f"connect-{self._theme}.png")

    def close(self) -> None:
        self._pane.share_action.setChecked(False)
        self._window.closing(close_immediately=True)

    # ---- what a person and an agent do

    def _share(self, mode: str) -> None:
        self._raise_pane()
        self._pane.set_conf("mode", mode)
        self._pane.share_action.setChecked(True)
        self._wait(lambda: self._pane.controller.sharing.status.phase.value == "shared")

    def _work(self, agent: Any) -> None:
        self._finish(agent.run(READ))
        self._finish(agent.call("list_variables"))
        self._finish(agent.run("df.describe()"))
        self._finish(agent.run(PLOT))
        self._wait(lambda: self._pane.controller.pane.outputs(self._selected_key()) != ())

    def _stop(self, running: Future[str]) -> None:
        self._pane.stop_action.trigger()
        self._finish(running)

    def _finish(self, call: Future[str]) -> None:
        self._wait(call.done)
        self._settle(0.3)

    # ---- the window

    def _console_is_ready(self) -> bool:
        console = self._window.ipyconsole.get_current_shellwidget()
        return console is not None and console.spyder_kernel_ready and bool(console._prompt_html)

    def _raise_pane(self) -> None:
        self._window.get_plugin("claude").switch_to_plugin()

    def _hide_pane(self) -> None:
        self._window.get_plugin("variable_explorer").switch_to_plugin()

    def _selected_key(self) -> tuple[str, int]:
        call = self._pane.controller.pane.calls.selected()
        return (call.kernel_id, call.number)

    def _shows_output(self, text: str) -> bool:
        return text in self._pane.controller.pane.detail.browser.toPlainText()

    def _mode(self, value: str) -> Any:
        from cokernel.host import Mode

        return Mode(value)

    def _preferences(self, path: Path) -> None:
        from qtpy.QtCore import QTimer

        preferences = self._window.get_plugin("preferences")
        QTimer.singleShot(1500, lambda: self._shoot_dialog(preferences, path))
        preferences.open_dialog()

    def _shoot_dialog(self, preferences: Any, path: Path) -> None:
        dialog = preferences.get_container().dialog
        dialog.set_current_index(dialog.get_index_by_name("claude"))
        self._settle(0.5)
        dialog.grab().save(str(path))
        dialog.reject()

    def _narrow(self, folder: Path) -> None:
        from qtpy.QtCore import Qt

        docks = [self._window.get_plugin(name).dockwidget for name in ("editor", "claude")]
        for name, width in (("narrow", 250), ("wide", WIDTH)):
            self._window.resizeDocks(docks, [WIDTH - width, width], Qt.Horizontal)
            self._shoot(folder / f"{name}-{self._theme}.png")

    def _dialog(self, path: Path) -> None:
        self._pane.controller.connection.show()
        self._wait(lambda: self._pane.controller.connection._dialog._run.isEnabled())
        self._settle(0.3)
        self._pane.controller.connection._dialog.grab().save(str(path))
        self._pane.controller.connection._dialog.reject()

    # ---- the camera

    def _shoot(self, path: Path) -> None:
        self._settle(0.8)
        self._window.grab().save(str(path))
        print(path.name)

    def _settle(self, seconds: float) -> None:
        """Let the window paint; pictures are taken of what stands still."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._process_events()

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            self._process_events()

    def _process_events(self) -> None:
        from qtpy.QtCore import QEventLoop
        from qtpy.QtWidgets import QApplication

        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)
        time.sleep(0.005)


def _configure(conf: Any, theme: str, scale: float) -> None:
    conf.set("appearance", "ui_theme", theme)
    conf.set("appearance", "selected", COLOR_SCHEMES[theme])
    if scale != 1:  # Spyder overwrites QT_SCALE_FACTOR with its own setting
        conf.set("main", "high_dpi_custom_scale_factor", True)
        conf.set("main", "high_dpi_custom_scale_factors", str(scale))
    conf.set("tours", "show_tour_message", False)
    conf.set("application", "spyder_runs_for_appeal", 30)
    conf.set("update_manager", "check_updates_on_startup", False)
    conf.set("ipython_console", "pylab/backend", "inline")
    conf.set("ipython_console", "ask_before_closing", False)
    conf.set("main", "single_instance", False)
    conf.set("editor", "show_filename_toolbar", False)
    conf.set("main", "window/is_maximized", False)
    for provider in ("lsp", "fallback", "snippets"):
        conf.set("completions", ("enabled_providers", provider), False)


if __name__ == "__main__":
    sys.exit(main())
