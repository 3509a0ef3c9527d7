"""What the plugin does when another one comes, it undoes when that one goes; and it starts fast."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import spyder_mcp
from spyder_mcp import plugin
from spyder_mcp.plugin import ClaudePlugin

PACKAGE = Path(spyder_mcp.__file__).parent
UNDOES = {
    "register_plugin_preferences": "deregister_plugin_preferences",
    "register_ipythonconsole": "unregister_ipythonconsole",
    "add_item_to_application_menu": "remove_item_from_application_menu",
    "add_item_to_application_toolbar": "remove_item_from_application_toolbar",
    "add_status_widget": "remove_status_widget",
    "add_item_to_menu": "remove_item_from_menu",
    "connect": "disconnect",
}


def handlers(decorator: str) -> dict[str, ast.FunctionDef]:
    """Plugin that is waited for → its handler, in the order of the file."""
    found = {}
    for node in ast.walk(ast.parse(inspect.getsource(plugin))):
        for mark in getattr(node, "decorator_list", []):
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == decorator:
                found[ast.unparse(mark.keywords[0].value)] = node
    return found


def calls(function: ast.FunctionDef) -> list[str]:
    return [
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]


def test_every_plugin_that_comes_can_go_in_the_same_order() -> None:
    coming, going = handlers("on_plugin_available"), handlers("on_plugin_teardown")
    assert list(coming) == list(going)
    wanted = {getattr(ast.parse(name).body[0].value, "attr", "") for name in coming}
    declared = {*ClaudePlugin.REQUIRES, *ClaudePlugin.OPTIONAL}
    from spyder.api.plugins import Plugins

    assert {getattr(Plugins, name) for name in wanted} == declared


@pytest.mark.parametrize("name", list(handlers("on_plugin_available")))
def test_each_registration_and_connection_is_taken_back(name: str) -> None:
    coming = calls(handlers("on_plugin_available")[name])
    going = calls(handlers("on_plugin_teardown")[name])
    for done, undone in UNDOES.items():
        assert coming.count(done) == going.count(undone), done


def test_the_entry_point_has_the_plugins_name() -> None:
    (entry,) = entry_points(group="spyder.plugins", name=ClaudePlugin.NAME)
    assert entry.load() is ClaudePlugin


def test_widgets_import_no_bridge_no_socket_and_no_loop() -> None:
    forbidden = {"mcp", "zmq", "asyncio", "threading", "socket", "jupyter_client"}
    for path in (PACKAGE / "widgets").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])]
            module = getattr(node, "module", None)
            roots = {name.split(".")[0] for name in ([module] if module else names)}
            assert not roots & forbidden, path.name


def test_only_cokernel_host_is_imported_from_the_bridge() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cokernel"):
                assert node.module == "cokernel.host", path.name


AT_START = """\
import os, sys
os.environ["SPYDER_PYTEST"] = "True"
from qtpy import QtWebEngineWidgets
from qtpy.QtWidgets import QApplication
app = QApplication(["Spyder", "--no-sandbox"])
from spyder.app.find_plugins import find_internal_plugins
find_internal_plugins()
before = set(sys.modules)
import spyder_mcp.plugin
print("new:", *sorted(set(sys.modules) - before))
sys.stdout.flush()
os._exit(0)
"""

LIGHT = {
    *("api", "backend", "backend.consoles", "config", "confpage", "plugin", "translation"),
    *("widgets", "widgets.actions", "widgets.look", "widgets.main_widget", "widgets.share_bar"),
    *("widgets.status", "widgets.summary"),
}


def test_spyders_start_imports_little_of_the_plugin_and_nothing_of_the_bridge() -> None:
    """Milliseconds: `bridge/benchmarks/spyder_startup.py`. Raise the list only with its numbers in view."""
    run = subprocess.run(
        [sys.executable, "-c", AT_START], capture_output=True, text=True, timeout=100, check=True
    )
    new = run.stdout.partition("new:")[2].split()
    assert set(new) <= {"spyder_mcp", *(f"spyder_mcp.{name}" for name in LIGHT)}
    assert "spyder_mcp.plugin" in new
