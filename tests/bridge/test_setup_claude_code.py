"""`cokernel setup claude-code`, against a stand-in that takes and refuses what the real command does."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from cokernel import cli, setup
from cokernel.child import front_command

STAND_IN = """#!{python}
# What `claude mcp add|get|remove` of 2.1 prints and returns, with its settings in one JSON file.
import json, pathlib, sys
store = pathlib.Path({store!r})
servers = json.loads(store.read_text()) if store.exists() else {{}}
_, verb, *rest = sys.argv[1:]
if verb == "add":
    scope, name, command = rest[1], rest[2], rest[4:]
    if name in servers:
        sys.exit(f"MCP server {{name}} already exists in {{scope}} config")
    servers[name] = [scope, command]
    print(f"Added stdio MCP server {{name}}")
elif verb == "get":
    if rest[0] not in servers:
        sys.exit(f'No MCP server named "{{rest[0]}}".')
    scope, command = servers[rest[0]]
    print(f"{{rest[0]}}:\\n  Scope: User config\\n  Status: ✔ Connected\\n  Type: stdio")
    print(f"  Command: {{command[0]}}\\n  Args: {{' '.join(command[1:])}}\\n  Environment:")
elif servers.pop(rest[2], None) is None:
    sys.exit(f'No MCP server named "{{rest[2]}}" in {{rest[1]}} scope')
store.write_text(json.dumps(servers))
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in keeps what is registered; it is the only `claude` there is."""
    store = tmp_path / "settings.json"
    program = tmp_path / "claude"
    program.write_text(STAND_IN.format(python=sys.executable, store=str(store)), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    return store


def registered(settings: Path) -> dict[str, list[object]]:
    servers: dict[str, list[object]] = json.loads(
        settings.read_text() if settings.exists() else "{}"
    )
    return servers


def test_dry_run_shows_the_exact_command_and_changes_nothing(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["setup", "claude-code", "--dry-run"]) == 0
    shown = shlex.split(capsys.readouterr().out)
    assert shown[1:6] == ["mcp", "add", "--scope", "user", "cokernel"]
    assert shown[6:] == ["--", *front_command()]
    assert not settings.exists()


def test_with_consent_the_clients_own_command_registers_this_installation(settings: Path) -> None:
    assert cli.main(["setup", "claude-code", "--yes", "--scope", "local"]) == 0
    assert registered(settings) == {"cokernel": ["local", front_command()]}
    assert Path(front_command()[0]).is_absolute()


def test_without_consent_nothing_is_changed(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["setup", "claude-code"]) == 3
    assert "Nobody is here to agree" in capsys.readouterr().err
    assert registered(settings) == {}


def test_a_second_time_there_is_nothing_to_do(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["setup", "claude-code", "--yes"])
    assert cli.main(["setup", "claude-code", "--yes"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_another_server_under_our_name_is_left_alone(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write_text('{"cokernel": ["user", ["/elsewhere/cokernel"]]}')
    assert cli.main(["setup", "claude-code", "--yes"]) == 1
    assert "/elsewhere/cokernel" in capsys.readouterr().out
    assert registered(settings) == {"cokernel": ["user", ["/elsewhere/cokernel"]]}


def test_undo_takes_it_out_and_says_the_clients_own_words_if_it_is_not_there(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["setup", "claude-code", "--yes"])
    assert cli.main(["setup", "claude-code", "--undo", "--yes"]) == 0
    assert registered(settings) == {}
    assert cli.main(["setup", "claude-code", "--undo", "--yes"]) == 3
    assert 'No MCP server named "cokernel" in user scope' in capsys.readouterr().err


def test_without_the_client_the_message_has_the_command_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["setup", "claude-code", "--yes"]) == 3
    said = capsys.readouterr().err
    assert "Claude Code was not found" in said
    assert "claude mcp add --scope user cokernel -- " in said


def test_a_path_with_spaces_and_quotes_is_shown_as_a_shell_reads_it() -> None:
    command = ["claude", "mcp", "add", "cokernel", "--", "/home/ada's/my env/bin/cokernel"]
    assert shlex.split(setup.shown(command)) == command
