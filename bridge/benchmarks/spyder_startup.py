"""What the plugin adds to the start of Spyder, beside an empty plugin of the same kind.

    python bridge/benchmarks/spyder_startup.py [--rounds 7]

Each round starts the real Spyder window twice, in a process of its own and without a screen: once with the plugin, once
with an empty dockable plugin in its place, which is what Spyder's own base classes cost. Times are CPU time of the GUI
thread, so that other processes on the machine count little. Run it where Spyder and the plugin are installed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

PLUGINS = {"plugin": "spyder_mcp.plugin:ClaudePlugin", "empty": "empty_plugin:EmptyPlugin"}
STEPS = {
    "import": "its modules are imported",
    "create": "made, set up and given to Spyder's other plugins",
    "show": "consoles are reported, the window is shown",
    "open": "the pane is looked at for the first time",
}
START_STEPS = ("import", "create", "show")
CALLED_LATER = (
    "before_mainwindow_visible",
    "on_mainwindow_visible",
    "add_shellwidget",
    "set_shellwidget",
)
TARGET_MS = 50
DEADLINE_S = 180


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--child", choices=PLUGINS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        _measure(PLUGINS[arguments.child])
        return 0
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in PLUGINS}
    for number in range(arguments.rounds):
        for name in PLUGINS:
            rounds[name].append(_child(name))
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    print(_table(rounds))
    return 0


# ---- one Spyder, in its own process


def _child(name: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="ck-") as folder:
        environment = dict(
            os.environ,
            SPYDER_PYTEST="True",
            QT_QPA_PLATFORM="offscreen",
            QTWEBENGINE_DISABLE_SANDBOX="1",
            COKERNEL_STATE_DIR=folder,
        )
        run = subprocess.run(
            [sys.executable, __file__, "--child", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=DEADLINE_S,
            env=environment,
            check=True,
        )
    times: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return times


def _measure(entry: str) -> None:
    from qtpy import QtWebEngineWidgets  # noqa: F401  # before there is a QApplication
    from spyder.app import mainwindow, start

    _configure()
    times: dict[str, float] = {}
    mainwindow.find_external_plugins = lambda: _found(entry, times)
    _time_registration(times)
    start.CLI_OPTIONS.no_web_widgets = True
    window = start.main()
    _settle(window)
    with _timed(times, "open"):
        window.get_plugin(_name(entry)).switch_to_plugin()
        _process_events()
    assert sys.__stdout__ is not None
    print(json.dumps(times), file=sys.__stdout__, flush=True)
    os._exit(0)  # Qt's finalizers have nothing to add


def _found(entry: str, times: dict[str, float]) -> dict[str, Any]:
    """In place of Spyder's own search, which imports every plugin that is installed."""
    from spyder.app.find_plugins import find_internal_plugins

    # Spyder imports plugins like ours before its own, and the first one would pay for what all need.
    find_internal_plugins()
    module, name = entry.split(":")
    with _timed(times, "import"):
        found = getattr(importlib.import_module(module), name)
    _time_calls(found, times)
    found._spyder_module_name = module
    found._spyder_package_name = module
    found._spyder_version = "0"
    return {found.NAME: found}


def _name(entry: str) -> str:
    module, name = entry.split(":")
    return str(getattr(sys.modules[module], name).NAME)


def _time_registration(times: dict[str, float]) -> None:
    """Count what Spyder does for an external plugin."""
    from spyder.api.plugin_registration.registry import PLUGIN_REGISTRY

    register = PLUGIN_REGISTRY.register_plugin

    def timed_register(*args: Any, external: bool = False, **more: Any) -> Any:
        if not external:
            return register(*args, external=external, **more)
        with _timed(times, "create"):
            return register(*args, external=external, **more)

    PLUGIN_REGISTRY.register_plugin = timed_register


def _time_calls(kind: Any, times: dict[str, float]) -> None:
    """Count what Spyder calls of the plugin afterwards."""
    for name in CALLED_LATER:
        original = getattr(kind, name, None)
        if original is not None:
            setattr(kind, name, _counted(original, times))


def _counted(call: Callable[..., Any], times: dict[str, float]) -> Callable[..., Any]:
    def counted(*args: Any, **more: Any) -> Any:
        with _timed(times, "show"):
            return call(*args, **more)

    return counted


@contextmanager
def _timed(times: dict[str, float], step: str) -> Iterator[None]:
    began = time.thread_time()
    try:
        yield
    finally:
        times[step] = times.get(step, 0.0) + (time.thread_time() - began) * 1000


def _configure() -> None:
    from spyder.config.manager import CONF

    CONF.set("tours", "show_tour_message", False)
    CONF.set("application", "spyder_runs_for_appeal", 30)
    CONF.set("update_manager", "check_updates_on_startup", False)
    CONF.set("main", "single_instance", False)
    for provider in ("lsp", "fallback", "snippets"):
        CONF.set("completions", ("enabled_providers", provider), False)


def _settle(window: Any) -> None:
    end = time.monotonic() + DEADLINE_S / 3
    while time.monotonic() < end:
        _process_events()
        console = window.ipyconsole.get_current_shellwidget()
        if console is not None and console.spyder_kernel_ready:
            return
        time.sleep(0.01)
    raise TimeoutError("Spyder's console did not become ready.")


def _process_events() -> None:
    from qtpy.QtWidgets import QApplication

    for _round in range(3):
        QApplication.processEvents()


# ---- the table


def _table(rounds: dict[str, list[dict[str, float]]]) -> str:
    lines = ["| ms of CPU | plugin | empty plugin | what the plugin adds |", "|---|---|---|---|"]
    for step, what in STEPS.items():
        lines.append(_row(what, rounds, (step,)))
    lines.insert(-1, _row(f"**start, in all** (target ≤ {TARGET_MS})", rounds, START_STEPS))
    return "\n".join(lines)


def _row(title: str, rounds: dict[str, list[dict[str, float]]], steps: tuple[str, ...]) -> str:
    sums = {
        name: median(sum(times.get(step, 0.0) for step in steps) for times in measured)
        for name, measured in rounds.items()
    }
    added = sums["plugin"] - sums["empty"]
    return f"| {title} | {sums['plugin']:.1f} | {sums['empty']:.1f} | {added:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
