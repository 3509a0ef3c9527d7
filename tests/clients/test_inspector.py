"""The MCP Inspector's command line, over stdio and HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cokernel.server.tools import TOOLS
from tests.support.mcp_clients import COKERNEL, TOKEN, http_server
from tests.support.npm import node, npm_package

PACKAGE, VERSION = "@modelcontextprotocol/inspector", "2.12.0"

pytestmark = [pytest.mark.slow, pytest.mark.live]


@pytest.fixture
def inspector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Its command."""
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "s"))
    launcher = npm_package(PACKAGE, VERSION) / "clients" / "launcher" / "build" / "index.js"
    return [node(), str(launcher), "--cli"]


async def answer(command: Sequence[str]) -> tuple[dict[str, Any], str]:
    """What it prints, and its diagnostics."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, (out + err).decode()
    result = json.loads(out)
    assert isinstance(result, dict)
    return result, err.decode()


def call(code: str) -> list[str]:
    return ["--method", "tools/call", "--tool-name", "execute_code", "--tool-arg", f"code={code}"]


async def test_lists_tools_over_stdio_and_finds_no_fault_in_them(inspector: list[str]) -> None:
    command = [*inspector, *COKERNEL, "serve", "--stdio", "--method", "tools/list", "--strict"]
    listed, complaints = await answer(command)
    assert [tool["name"] for tool in listed["tools"]] == [tool.name for tool in TOOLS]
    assert "portability" not in complaints.lower(), complaints


async def test_calls_a_tool_over_stdio(inspector: list[str]) -> None:
    result, _ = await answer([*inspector, *COKERNEL, "serve", "--stdio", *call("6 * 7")])
    assert ": 42" in result["content"][0]["text"]


async def test_lists_and_calls_over_http(inspector: list[str]) -> None:
    async with http_server() as url:
        header = ["--header", f"Authorization: Bearer {TOKEN}"]
        to_server = [*inspector, url, "--transport", "http", *header]
        listed, _ = await answer([*to_server, "--method", "tools/list"])
        assert len(listed["tools"]) == len(TOOLS)
        result, _ = await answer([*to_server, *call("6 * 7")])
        assert ": 42" in result["content"][0]["text"]
