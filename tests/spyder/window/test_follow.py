"""The record is true after everything that can happen to a console and its kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent import Agent, awaited, settled
from driving import current, is_ready, last_state, open_console, records, share, shows

pytestmark = [pytest.mark.slow, pytest.mark.live]


def test_a_new_console_is_shared_when_it_is_ready(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    with Agent() as agent:
        assert current(window).ipyclient.get_name() in awaited(qtbot, agent.run("1"))
        console = open_console(window, qtbot)
        title = console.ipyclient.get_name()
        settled(qtbot, lambda: shows(title, console.kernel_handler.connection_file))
        settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")
        assert title in awaited(qtbot, agent.run("2"))


def test_the_share_follows_the_tab_in_front(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    first = current(window)
    second = open_console(window, qtbot)
    for console in (first, second, first):
        window.ipyconsole.set_current_shellwidget(console)
        file = console.kernel_handler.connection_file
        settled(qtbot, lambda c=console, f=file: shows(c.ipyclient.get_name(), f))


def test_a_pinned_console_stays_shared(window: Any, pane: Any, qtbot: Any) -> None:
    first = current(window)
    title = first.ipyclient.get_name()
    pane.pin_action.trigger()
    settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")
    open_console(window, qtbot)
    assert shows(title, first.kernel_handler.connection_file)
    assert pane.controller.sharing.status.pinned


def test_a_pinned_console_that_is_closed_is_not_replaced(
    window: Any, pane: Any, qtbot: Any
) -> None:
    open_console(window, qtbot)
    title = current(window).ipyclient.get_name()
    pane.pin_action.trigger()
    settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")
    window.ipyconsole.close_client(ask_recursive=False)
    settled(qtbot, lambda: records() == [])
    assert (
        pane.controller.sharing.status.sentence
        == f"{title} was closed. Choose another console to go on."
    )
    pane.controller.sharing.follow()
    settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")


def test_a_renamed_console_has_its_new_name_in_the_record(
    window: Any, pane: Any, qtbot: Any
) -> None:
    share(pane, qtbot)
    tab_bar = window.ipyconsole.get_widget().tabwidget.tabBar()
    tab_bar.sig_name_changed.emit("beam time")
    settled(qtbot, lambda: [r["title"] for r in records()] == ["beam time/A"])
    tab_bar.sig_name_changed.emit("Console 1")
    current(window).ipyclient.given_name = None


def test_a_restart_ends_the_call_and_shares_the_new_kernel(
    window: Any, pane: Any, qtbot: Any
) -> None:
    share(pane, qtbot)
    console = current(window)
    before = console.kernel_handler.connection_file
    with Agent() as agent:
        sleeping = agent.run("import time; time.sleep(600)")
        settled(qtbot, pane.stop_action.isEnabled)
        window.ipyconsole.restart_kernel()
        title = console.ipyclient.get_name()
        assert f"The kernel of {title} was restarted." in awaited(qtbot, sleeping)
        settled(qtbot, lambda: is_ready(console))
        after = console.kernel_handler.connection_file
        assert after != before
        settled(qtbot, lambda: [r["connection_file"] for r in records()] == [after])
        settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")
        assert "· ok ·" in awaited(qtbot, agent.run("1"))


def test_a_crash_ends_the_call_and_shares_the_new_process(
    window: Any, pane: Any, qtbot: Any
) -> None:
    share(pane, qtbot)
    console = current(window)
    pid = console.kernel_manager.provisioner.process.pid
    with Agent() as agent:
        sleeping = agent.run("import time; time.sleep(600)")
        settled(qtbot, pane.stop_action.isEnabled)
        os.kill(pid, signal.SIGKILL)
        assert "process ended" in awaited(qtbot, sleeping)
        settled(qtbot, lambda: [r["kernel_pid"] for r in records()] not in ([pid], []))
        settled(qtbot, lambda: is_ready(console))
        settled(qtbot, lambda: pane.controller.sharing.status.phase.value == "shared")
        assert "2" in awaited(qtbot, agent.run("1 + 1"))


def test_closing_the_last_console_shares_the_next_one(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    before = current(window)
    window.ipyconsole.close_client(ask_recursive=False)
    settled(qtbot, lambda: current(window) not in (before, None) and is_ready(current(window)))
    console = current(window)
    file = console.kernel_handler.connection_file
    settled(qtbot, lambda: shows(console.ipyclient.get_name(), file))


@pytest.fixture
def external(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, Any]]:
    """A kernel that Spyder did not start."""
    file = tmp_path / "kernel-external.json"
    module = request.param
    process = subprocess.Popen(
        [sys.executable, "-m", module, "-f", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield file, process
    process.kill()
    process.wait(10)


@pytest.mark.parametrize(
    "external", ["ipykernel_launcher", "spyder_kernels.console"], indirect=True
)
def test_an_external_kernel_is_shared_and_its_death_told(
    window: Any, pane: Any, qtbot: Any, external: tuple[Path, Any]
) -> None:
    file, process = external
    share(pane, qtbot)
    settled(qtbot, file.exists)
    window.ipyconsole.create_client_for_kernel(str(file), give_focus=True)
    settled(qtbot, lambda: [r["connection_file"] for r in records()] == [str(file)])
    with Agent() as agent:
        assert "2" in awaited(qtbot, agent.run("1 + 1"))
        sleeping = agent.run("import time; time.sleep(600)")
        settled(qtbot, pane.stop_action.isEnabled)
        process.kill()
        awaited(qtbot, sleeping)
    settled(qtbot, lambda: last_state(pane) in ("lost", "restarted"))
