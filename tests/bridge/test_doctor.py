"""`cokernel doctor` names what is wrong and what to do."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from cokernel import cli, shares
from cokernel.shares import Endpoint


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder, runtime folder and PATH of its own, all empty."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(state))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    for name in ("XDG_DATA_HOME", "XDG_RUNTIME_DIR", "JUPYTER_DATA_DIR", "PATH"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("COKERNEL_CONNECTION", "IPYTHON_MCP_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, str]]]:
    """What doctor says, by level."""
    capsys.readouterr()
    cli.main(["doctor", "--json"])
    found: dict[str, list[dict[str, str]]] = {"ok": [], "note": [], "problem": []}
    for finding in json.loads(capsys.readouterr().out):
        found[finding["level"]].append(finding)
    return found


def test_an_empty_machine_has_notes_with_next_steps_and_no_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("No problem was found.\n")
    notes = findings(capsys)["note"]
    assert {note["area"] for note in notes} == {"kernels", "shares", "clients"}
    assert all(note["next"] for note in notes)


def test_a_variable_that_names_no_file_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IPYTHON_MCP_CONNECTION", "/nowhere/kernel-1.json")
    assert cli.main(["doctor"]) == 1
    (problem,) = findings(capsys)["problem"]
    assert "IPYTHON_MCP_CONNECTION names /nowhere/kernel-1.json" in problem["what"]
    assert "Unset IPYTHON_MCP_CONNECTION" in problem["next"]


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
def test_a_state_folder_that_others_may_write_is_a_problem(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine / "state").chmod(0o777)
    (problem,) = findings(capsys)["problem"]
    assert problem["area"] == "state"
    assert "Other users may write" in problem["what"]
    assert problem["next"].startswith("chmod ")


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
def test_connection_files_that_are_not_believed_are_named_with_the_reason(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = machine / "runtime" / "kernel-1.json"
    file.write_text("{}")
    file.chmod(0o666)
    (problem,) = findings(capsys)["problem"]
    assert str(file) in problem["what"]
    assert "Other users may write" in problem["what"]


def test_a_share_whose_bridge_does_not_answer_is_a_problem(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    silent.close()
    record = shares.describe(
        "spyder-1",
        ide="Spyder",
        title="Console 1/A",
        mode="ask",
        endpoint=Endpoint("tcp", f"127.0.0.1:{port}"),
        token=shares.new_token(),
        connection_file=str(machine / "none.json"),
    )
    shares.publish(record)
    (problem,) = findings(capsys)["problem"]
    assert "Console 1/A · Spyder: its bridge does not answer" in problem["what"]
    assert f"process {os.getpid()}" in problem["next"]
    assert record.token.reveal() not in json.dumps(problem)
