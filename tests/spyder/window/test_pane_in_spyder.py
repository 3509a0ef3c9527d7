"""What the pane does with the rest of Spyder."""

from __future__ import annotations

from typing import Any

import pytest
from agent import Agent, awaited, settled
from driving import current, share
from qtpy.QtWidgets import QApplication
from spyder.api.plugins import Plugins

from cokernel.host import Answer

pytestmark = [pytest.mark.slow, pytest.mark.live]


def test_code_goes_to_clipboard_editor_and_input_line(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    with Agent() as agent:
        awaited(qtbot, agent.run("to_be_kept = 1"))
    copy, insert, put = pane.controller.code_actions
    copy.trigger()
    assert QApplication.clipboard().text() == "to_be_kept = 1"
    insert.trigger()
    editor = window.get_plugin(Plugins.Editor).get_current_editor()
    assert "to_be_kept = 1" in editor.toPlainText()
    console = current(window)
    put.trigger()
    assert console.input_buffer == "to_be_kept = 1"
    put.trigger()
    assert "is not empty" in pane.controller.pane.message.text()
    console.input_buffer = ""


def test_a_notice_tells_when_the_pane_is_hidden(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot, mode="ask")
    window.get_plugin(Plugins.VariableExplorer).switch_to_plugin()
    with Agent() as agent:
        waiting = agent.run("1 + 1")
        settled(
            qtbot,
            lambda: pane.controller._notice is not None and pane.controller._notice.isVisible(),
        )
        assert not pane.controller._notice.hasFocus()
        window.get_plugin("claude")._status.sig_clicked.emit()
        settled(qtbot, pane.controller.pane.approval.isVisible)
        assert not pane.controller._notice.isVisible()
        pane.controller.pane.sig_answered.emit(pane.controller.waiting().approval, Answer.ONCE)
        assert "2" in awaited(qtbot, waiting)


def test_the_variable_explorer_is_refreshed_during_a_run(
    window: Any, pane: Any, qtbot: Any
) -> None:
    pane.set_conf("refresh_interval_s", 1)
    share(pane, qtbot)
    explorer = window.get_plugin(Plugins.VariableExplorer)
    explorer.switch_to_plugin()
    with Agent() as agent:
        code = "import time\nfor live_counter in range(6000): time.sleep(0.1)"
        running = agent.run(code)
        table = explorer.current_widget().editor
        settled(qtbot, lambda: "live_counter" in table.source_model.get_data())
        assert not running.done()
        pane.stop_action.trigger()
        awaited(qtbot, running)


def test_settings_apply_at_once(window: Any, pane: Any, qtbot: Any) -> None:
    share(pane, qtbot)
    pane.set_conf("mode", "look")
    settled(qtbot, lambda: pane.controller.sharing.status.mode.value == "look")
    with Agent() as agent:
        refused = awaited(qtbot, agent.run("1 + 1"))
    assert "[denied]" in refused
    pane.set_conf("follow", False)
    assert pane.controller.sharing.status.pinned


def test_the_preferences_page_opens(window: Any, qtbot: Any) -> None:
    plugin = window.get_plugin("claude")
    preferences = window.get_plugin(Plugins.Preferences)
    preferences.open_dialog()
    dialog = preferences.get_container().dialog
    dialog.set_current_index(dialog.get_index_by_name("claude"))
    assert dialog.get_page().get_name() == plugin.get_name()
    dialog.reject()


def test_the_consoles_menu_has_the_toggle_and_stop(window: Any, pane: Any) -> None:
    menu = window.get_plugin(Plugins.MainMenu).get_application_menu("consoles_menu")
    texts = [action.text() for action in menu.actions()]
    assert texts.count("Share with Claude") == 1
    assert texts.count("Stop") == 1
