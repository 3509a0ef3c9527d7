"""One click shares the active console, and an agent works in it."""

from __future__ import annotations

import threading
from typing import Any

import psutil
import pytest
from agent import Agent, awaited, settled
from driving import current, last_state, records, share
from spyder.api.plugins import Plugins

pytestmark = [pytest.mark.slow, pytest.mark.live]


def test_nothing_is_shared_before_the_click(window: Any, pane: Any) -> None:
    assert not pane.share_action.isChecked()
    assert records() == []


def test_an_agents_run_appears_in_pane_variable_explorer_and_plots(
    window: Any, pane: Any, qtbot: Any
) -> None:
    share(pane, qtbot)
    explorer = window.get_plugin(Plugins.VariableExplorer).current_widget()
    plots = window.get_plugin(Plugins.Plots).current_widget()
    before = len(plots.thumbnails_sb._thumbnails)
    code = "agent_x = 42\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nagent_x"
    with Agent() as agent:
        text = awaited(qtbot, agent.run(code))
        settled(qtbot, lambda: [c.name for c in pane.controller._clients] == ["Claude Code"])
    title = current(window).ipyclient.get_name()
    assert title in text
    assert "42" in text
    settled(qtbot, lambda: last_state(pane) == "ok")
    call = pane.controller.pane.model.calls()[-1]
    assert (call.client, call.kernel) == ("Claude Code", title)
    assert "agent_x" in [change.name for change in call.changes]
    settled(qtbot, lambda: "agent_x" in explorer.editor.source_model.get_data())
    settled(qtbot, lambda: len(plots.thumbnails_sb._thumbnails) == before + 1)
    settled(qtbot, lambda: pane.controller.pane.outputs((call.kernel_id, call.number)) != ())


def test_a_changed_variable_is_found_from_the_pane(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    explorer = window.get_plugin(Plugins.VariableExplorer).current_widget()
    with Agent() as agent:
        awaited(qtbot, agent.run("found_from_pane = list(range(7))"))
    settled(qtbot, lambda: "found_from_pane" in explorer.editor.source_model.get_data())
    pane.controller.pane.sig_variable_clicked.emit("found_from_pane")
    table = explorer.editor
    assert table.model().get_key(table.currentIndex()) == "found_from_pane"


def test_ask_me_waits_for_the_person(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot, mode="ask")
    with Agent() as agent:
        asked = agent.run("allowed = 1")
        settled(qtbot, lambda: pane.controller.summary.short == "Claude: waiting for you")
        panel = pane.controller.pane.approval
        settled(qtbot, panel._once.isEnabled)
        assert "allowed" in panel._code.toPlainText()
        panel._once.click()
        assert "error" not in awaited(qtbot, asked).splitlines()[0]
        refused = agent.run("refused = 1")
        settled(qtbot, lambda: pane.controller.summary.short == "Claude: waiting for you")
        settled(qtbot, panel._deny.isEnabled)
        panel._deny.click()
        awaited(qtbot, refused)
        settled(qtbot, lambda: last_state(pane) == "denied")
    assert [c.state.value for c in pane.controller.pane.model.calls()[-2:]] == ["ok", "denied"]


def test_stop_interrupts_the_agents_run(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    with Agent() as agent:
        sleeping = agent.run("import time; time.sleep(600)")
        # Stop works before, too, and then the run is taken back without an interrupt.
        settled(qtbot, lambda: last_state(pane) == "running")
        pane.stop_action.trigger()
        awaited(qtbot, sleeping)
    settled(qtbot, lambda: last_state(pane) == "interrupted")
    assert not pane.stop_action.isEnabled()


def test_the_users_own_cell_is_not_stopped(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    console = window.ipyconsole.get_current_shellwidget()
    with Agent() as agent:
        console.execute("import time; time.sleep(4); survived = True")
        queued = agent.run("1 + 1")
        settled(qtbot, pane.stop_action.isEnabled)
        pane.stop_action.trigger()
        awaited(qtbot, queued)
        assert "True" in awaited(qtbot, agent.run("survived"))


def test_toggle_off_ends_everything_within_a_second(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    with Agent() as agent:
        sleeping = agent.run("import time; time.sleep(600)")
        settled(qtbot, pane.stop_action.isEnabled)
        pane.share_action.setChecked(False)
        settled(qtbot, lambda: records() == [], timeout_s=1.0)
        assert "not shared any more" in awaited(qtbot, sleeping)
        calls = len(pane.controller.pane.model.calls())
        awaited(qtbot, agent.run("came_too_late = 1"))
    assert len(pane.controller.pane.model.calls()) == calls
    assert pane.controller.summary.short == "Claude: off"


def test_a_hundred_toggles_leak_nothing(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    pane.share_action.setChecked(False)
    settled(qtbot, lambda: records() == [])
    console = window.ipyconsole.get_current_shellwidget()
    process = psutil.Process()
    before = (threading.active_count(), process.num_fds(), _receivers(console))
    for _round in range(100):
        share(pane, qtbot)
        pane.share_action.setChecked(False)
        settled(qtbot, lambda: records() == [])
    settled(qtbot, lambda: threading.active_count() <= before[0])
    settled(qtbot, lambda: process.num_fds() <= before[1] + 2)
    assert _receivers(console) == before[2]
    assert not [name for name in vars(console) if name.startswith("_handle_")]


def _receivers(console: Any) -> int:
    return int(console.receivers(console.sig_pdb_prompt_ready))
