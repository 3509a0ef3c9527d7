"""One real Spyder window for the whole session: it takes ten seconds to start."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

READY_MS = 60_000
EXIT_STATUS = pytest.StashKey[int]()


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
    """The window with one console that is ready, and nothing shared; so again afterwards."""
    _wait_for_console(spyder_window, qtbot)
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


def _wait_for_console(window: Any, qtbot: Any) -> None:
    def ready() -> bool:
        console = window.ipyconsole.get_current_shellwidget()
        return (
            console is not None
            and bool(console.spyder_kernel_ready)
            and console._prompt_html is not None
        )

    qtbot.waitUntil(ready, timeout=READY_MS)


def _leave_as_found(window: Any, qtbot: Any) -> None:
    pane = window.get_plugin("claude").get_widget()
    pane.share_action.setChecked(False)
    for option in ("echo_in_console", "follow", "mode"):
        pane.set_conf(option, {"echo_in_console": True, "follow": True, "mode": "ask"}[option])
    while len(window.ipyconsole.get_clients()) > 1:
        window.ipyconsole.close_client(ask_recursive=False)
    _wait_for_console(window, qtbot)
