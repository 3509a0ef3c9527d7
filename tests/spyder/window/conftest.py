"""One real Spyder window for the whole session: it takes ten seconds to start."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.exceptions import TimeoutError as QtBotTimeout

from spyder_mcp.config import CONF_DEFAULTS, CONF_SECTION

HERE = Path(__file__).parent
READY_MS = 60_000
TEST_S = 300
"""Longer than any wait of a test, so that what is waited for is named when it does not come."""
EXIT_STATUS = pytest.StashKey[int]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_S))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[EXIT_STATUS] = exitstatus


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once when all is reported: finalizers of Qt and of Spyder's threads crash now and then.

    Spyder's own test runner does the same.
    """
    if EXIT_STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(config.stash[EXIT_STATUS]))


@pytest.fixture(scope="session")
def spyder_window(qapp: Any) -> Iterator[Any]:
    from spyder.api.plugin_registration.registry import PLUGIN_REGISTRY
    from spyder.app import start
    from spyder.config.manager import CONF

    _configure(CONF)
    # As with `spyder --no-web-widgets`. All consoles of Spyder 6.1.8 share one web page, which belongs to the newest:
    # when that one is closed, a restart of another one touches the deleted page (client.py, _hide_loading_page).
    start.CLI_OPTIONS.no_web_widgets = True
    window = start.main()
    yield window
    window.closing(close_immediately=True)
    window.close()
    CONF.reset_to_defaults(notification=False)
    CONF.reset_manager()
    PLUGIN_REGISTRY.reset()


@pytest.fixture
def window(spyder_window: Any, qtbot: Any) -> Iterator[Any]:
    """The window with one console that is ready, and nothing shared; so again afterwards.

    What an earlier test broke stays with that test: a console that does not work is replaced by a new one.
    """
    _ensure_console(spyder_window, qtbot)
    yield spyder_window
    _leave_as_found(spyder_window, qtbot)


@pytest.fixture
def pane(window: Any) -> Any:
    return window.get_plugin("claude").get_widget()


def _configure(conf: Any) -> None:
    conf.set("tours", "show_tour_message", False)
    conf.set("application", "spyder_runs_for_appeal", 30)
    conf.set("update_manager", "check_updates_on_startup", False)
    conf.set("ipython_console", "pylab/backend", "inline")
    conf.set("ipython_console", "ask_before_closing", False)
    conf.set("ipython_console", "ask_before_restart", False)
    for provider in ("lsp", "fallback", "snippets"):
        conf.set("completions", ("enabled_providers", provider), False)
    conf.set("main", "single_instance", False)


def _ensure_console(window: Any, qtbot: Any) -> None:
    try:
        qtbot.waitUntil(lambda: _is_usable(_current(window)), timeout=READY_MS)
    except QtBotTimeout:
        broken = window.ipyconsole.get_current_client()
        window.ipyconsole.create_new_client()
        if broken is not None:
            window.ipyconsole.close_client(client=broken, ask_recursive=False)
        qtbot.waitUntil(lambda: _is_usable(_current(window)), timeout=READY_MS)


def _current(window: Any) -> Any:
    return window.ipyconsole.get_current_shellwidget()


def _is_usable(console: Any) -> bool:
    """Its kernel is Spyder's own, is up, and stands at an empty prompt."""
    if console is None or not console.spyder_kernel_ready or console._prompt_html is None:
        return False
    return not (console._executing or console.is_debugging() or console.is_external_kernel)


def _leave_as_found(window: Any, qtbot: Any) -> None:
    pane = window.get_plugin("claude").get_widget()
    pane.share_action.setChecked(False)
    for option, default in dict(CONF_DEFAULTS)[CONF_SECTION].items():
        pane.set_conf(option, default)
    if _current(window) is not None:
        _current(window).input_buffer = ""
    while len(window.ipyconsole.get_clients()) > 1:
        window.ipyconsole.close_client(ask_recursive=False)
