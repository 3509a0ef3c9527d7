"""What the extension's package promises, and its page tells, without starting VS Code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "vscode-extension"
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text("utf-8"))
STRINGS: dict[str, str] = json.loads((EXTENSION / "package.nls.json").read_text("utf-8"))
PAGE = (ROOT / "docs" / "vscode.md").read_text("utf-8")
HIDDEN = {
    entry["command"]
    for entry in MANIFEST["contributes"]["menus"]["commandPalette"]
    if entry["when"] == "false"
}


@pytest.mark.parametrize("setting", MANIFEST["contributes"]["configuration"]["properties"])
def test_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in PAGE


@pytest.mark.parametrize(
    "command",
    [each for each in MANIFEST["contributes"]["commands"] if each["command"] not in HIDDEN],
    ids=lambda command: command["command"],
)
def test_command_of_the_palette_is_documented(command: dict[str, str]) -> None:
    assert STRINGS[command["title"].strip("%")] in PAGE


def test_every_text_of_the_manifest_is_there_and_used() -> None:
    used = set(re.findall(r'"%([\w.]+)%"', json.dumps(MANIFEST)))

    assert used == set(STRINGS)


def test_workspace_cannot_name_a_program() -> None:
    properties = MANIFEST["contributes"]["configuration"]["properties"]

    assert properties["cokernel.interpreter"]["scope"] == "machine"
    assert properties["cokernel.command"]["scope"] == "machine"


def test_extension_runs_beside_the_kernel_and_in_trusted_workspaces_only() -> None:
    assert MANIFEST["extensionKind"] == ["workspace"]
    assert MANIFEST["capabilities"]["untrustedWorkspaces"]["supported"] is False


def test_extension_has_the_version_of_cokernel() -> None:
    said = re.search(
        r'__version__ = "(.+)"', (ROOT / "bridge/cokernel/__init__.py").read_text("utf-8")
    )

    assert said is not None
    assert MANIFEST["version"] == said[1]


def test_lock_file_names_no_address() -> None:
    packages = json.loads((EXTENSION / "package-lock.json").read_text("utf-8"))["packages"]

    assert not [name for name, package in packages.items() if "resolved" in package]
