"""Connect Claude Code…: the command is shown, and run with consent only. A script stands for `claude`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QLabel, QWidget

from spyder_mcp.widgets.connect_dialog import ConnectDialog
from spyder_mcp.widgets.connection import Connection
from spyder_mcp.widgets.look import spyder_look

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script stands for claude")
WAIT_MS = 60_000


def claude_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts a `claude` first on the path; its calls come into the file that is returned."""
    calls, program = folder / "calls", folder / "claude"
    nothing_yet = '[ "$2" = get ] && exit 1'
    program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{nothing_yet}\n{does}\n', "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return calls


@pytest.fixture
def connection(qtbot: Any) -> Connection:
    parent = QWidget()
    qtbot.addWidget(parent)
    connection = Connection(spyder_look(), parent)
    connection.keep = parent  # type: ignore[attr-defined]  # else it goes with this function
    return connection


def shown(connection: Connection, qtbot: Any) -> Any:
    connection.show()
    dialog = connection._dialog
    assert dialog is not None
    qtbot.waitUntil(dialog._run.isEnabled, timeout=WAIT_MS)
    return dialog


def test_showing_the_command_changes_nothing(
    connection: Connection, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = claude_that("exit 0", tmp_path, monkeypatch)
    dialog = shown(connection, qtbot)
    assert " mcp add " in dialog._command.toPlainText()
    assert not calls.exists() or "add" not in calls.read_text()


def test_with_consent_exactly_the_shown_command_is_run(
    connection: Connection, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = claude_that("exit 0", tmp_path, monkeypatch)
    dialog = shown(connection, qtbot)
    dialog._run.click()
    qtbot.waitUntil(lambda: dialog._run.text() == "Connected", timeout=WAIT_MS)
    assert (
        dialog._command.toPlainText()
        == f"{tmp_path / 'claude'} {calls.read_text().splitlines()[-1]}"
    )
    assert not dialog._run.isEnabled()
    assert dialog._outcome.isVisible()


def test_what_went_wrong_is_shown_and_can_be_tried_again(
    connection: Connection, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude_that('echo "no such scope" >&2; exit 1', tmp_path, monkeypatch)
    dialog = shown(connection, qtbot)
    dialog._run.click()
    qtbot.waitUntil(dialog._outcome.isVisible, timeout=WAIT_MS)
    assert "no such scope" in dialog._outcome.toPlainText()
    assert dialog._run.isEnabled()


def test_without_claude_code_the_next_step_is_said(
    connection: Connection, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{tmp_path}")
    dialog = shown(connection, qtbot)
    dialog._run.click()
    qtbot.waitUntil(dialog._outcome.isVisible, timeout=WAIT_MS)
    assert "claude" in dialog._outcome.toPlainText().lower()
    assert dialog._run.text() == "Run this command"


def test_nothing_is_cut_off_when_the_command_has_spoken(qtbot: Any) -> None:
    dialog = ConnectDialog(spyder_look())
    qtbot.addWidget(dialog)
    dialog.show_command("claude mcp add --scope user cokernel -- /home/ada/science/bin/cokernel")
    dialog.show()
    dialog.show_outcome(
        False, "Claude Code has a server of this name.\nFirst:\ncokernel setup --undo"
    )
    qtbot.waitUntil(dialog._outcome.isVisible, timeout=WAIT_MS)
    for label in dialog.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width())
    assert dialog._outcome.height() >= 3 * dialog._outcome.fontMetrics().lineSpacing()
