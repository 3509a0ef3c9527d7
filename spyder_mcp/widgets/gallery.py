"""The pane in all its states, without Spyder's window::

    python -m spyder_mcp.widgets.gallery [--theme dark|light] [--width 420] [--save FOLDER] [STATE …]

Without `--save` a window opens with a list of states. Nothing of the user's configuration is read or written.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from spyder_mcp.widgets.gallery_pane import GalleryPane

COLOR_SCHEMES = {"dark": "spyder/dark", "light": "spyder"}


def main(argv: list[str] | None = None) -> int:
    arguments = _parsed(argv)
    with tempfile.TemporaryDirectory(prefix="gallery-") as folder:
        # Spyder's theme is chosen by its configuration when its modules are first imported.
        os.environ["SPYDER_CONFDIR"] = folder
        _choose_theme(arguments.theme)
        return _run(arguments)


def _parsed(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m spyder_mcp.widgets.gallery")
    parser.add_argument("--theme", choices=sorted(COLOR_SCHEMES), default="dark")
    parser.add_argument("--width", type=int, default=420, help="width of the pane in pixels")
    parser.add_argument("--height", type=int, default=560, help="height of the pane in pixels")
    parser.add_argument("--save", type=Path, help="write one picture for each state and end")
    parser.add_argument("states", nargs="*", help="states to show; all by default")
    return parser.parse_args(argv)


def _choose_theme(theme: str) -> None:
    from spyder.config.manager import CONF

    CONF.set("appearance", "ui_theme", theme)
    CONF.set("appearance", "selected", COLOR_SCHEMES[theme])


def _run(arguments: argparse.Namespace) -> int:
    from qtpy.QtWidgets import QApplication
    from spyder.utils.stylesheet import APP_STYLESHEET

    from spyder_mcp.widgets.gallery_pane import STATES

    application = QApplication.instance() or QApplication(sys.argv[:1])
    application.setStyleSheet(str(APP_STYLESHEET))
    states = {name: STATES[name] for name in arguments.states or STATES}
    if arguments.save:
        return _save(arguments, states)
    window = _window(arguments, states)
    window.show()
    code: int = application.exec_()
    return code


def _save(arguments: argparse.Namespace, states: dict[str, Callable[[GalleryPane], None]]) -> int:
    from qtpy.QtWidgets import QApplication

    from spyder_mcp.widgets.gallery_pane import GalleryPane

    arguments.save.mkdir(parents=True, exist_ok=True)
    for name, fill in states.items():
        pane = GalleryPane()
        pane.resize(arguments.width, arguments.height)
        pane.show()
        fill(pane)
        for _round in range(5):  # layout, then images at their width, then the scroll bars
            QApplication.processEvents()
        pane.grab().save(str(arguments.save / f"{name}-{arguments.theme}-{arguments.width}.png"))
        pane.close()
    return 0


def _window(
    arguments: argparse.Namespace, states: dict[str, Callable[[GalleryPane], None]]
) -> QWidget:
    from qtpy.QtWidgets import QListWidget, QSplitter

    from spyder_mcp.widgets.gallery_pane import GalleryPane

    window = QSplitter()
    names = QListWidget()
    names.addItems(list(states))
    window.addWidget(names)
    window.addWidget(GalleryPane())
    window.resize(arguments.width + 180, arguments.height)
    window.setSizes([180, arguments.width])

    def show(name: str) -> None:
        pane = GalleryPane()
        states[name](pane)
        old = window.replaceWidget(1, pane)
        if old is not None:
            old.deleteLater()

    names.currentTextChanged.connect(show)
    names.setCurrentRow(0)
    return window


if __name__ == "__main__":
    sys.exit(main())
