"""The real Claude Code, with a scripted model on loopback and no other network: what it shows of us to a model.

Its package is some hundred megabytes large, so this runs only if `COKERNEL_TEST_CLAUDE` is set.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.mcp_clients import shared
from tests.support.npm import npm_package, unavailable

PACKAGE, VERSION = "@anthropic-ai/claude-code", "2.1.329"
MODEL = Path(__file__).resolve().parents[1] / "support" / "scripted_model.py"
TIMEOUT_S = 180
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}

pytestmark = [pytest.mark.slow, pytest.mark.live, pytest.mark.timeout(600)]


class ClaudeCode:
    """Its command line, in a home of its own and a network namespace with nothing but loopback."""

    def __init__(self, folder: Path) -> None:
        self._command = str(npm_package(PACKAGE, VERSION).parents[1] / ".bin" / "claude")
        self._project = folder / "project"
        self._project.mkdir()
        self._folder = folder
        node = shutil.which("node")
        self.env = {
            "HOME": str(folder),
            "PATH": os.pathsep.join([str(Path(node).parent) if node else "", os.defpath]),
            "LANG": "C.UTF-8",
            "COKERNEL_STATE_DIR": os.environ["COKERNEL_STATE_DIR"],
            **QUIET,
        }

    def run(self, *arguments: str) -> str:
        """One command; what it printed."""
        done = self._alone([self._command, *arguments])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def converse(self, turns: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """One conversation with a scripted model; what the model was sent, request by request."""
        script = self._folder / "turns.json"
        script.write_text(json.dumps(turns))
        command = [self._command, "-p", "go", "--allowedTools", "mcp__cokernel__*"]
        done = self._alone([sys.executable, str(MODEL), str(script), "--", *command])
        assert done.returncode == 0, done.stderr
        requests = json.loads(done.stdout)
        assert isinstance(requests, list)
        return requests

    def _alone(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        isolated = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *command]
        return subprocess.run(
            isolated,
            cwd=self._project,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClaudeCode:
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        unavailable("unshare and ip are needed to keep Claude Code off the network")
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "s"))
    return ClaudeCode(tmp_path)


def front() -> str:
    return str(Path(sys.executable).with_name("cokernel"))


def uses(name: str, **arguments: Any) -> list[dict[str, Any]]:
    """A turn in which the model calls one of our tools."""
    block = {"type": "tool_use", "id": f"toolu_{name}", "name": f"mcp__cokernel__{name}"}
    return [{**block, "input": arguments}]


def results_in(requests: list[dict[str, Any]]) -> list[Any]:
    """The contents of the tool results that the model has read."""
    blocks = [
        block
        for message in requests[-1]["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    return [block["content"] for block in blocks if block.get("type") == "tool_result"]


def text_in(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content)


def test_registered_server_is_connected(claude: ClaudeCode) -> None:
    claude.run("mcp", "add", "cokernel", "-s", "user", "--", front())
    listed = claude.run("mcp", "list")
    assert "cokernel" in listed
    assert "Connected" in listed


async def test_model_works_in_the_shared_kernel(claude: ClaudeCode, running_kernel: Any) -> None:
    claude.run("mcp", "add", "cokernel", "-s", "user", "--", front())
    code = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);\nprint('a\\n  b\\tc')"
    async with shared(running_kernel.connection_file):
        requests = claude.converse([uses("execute_code", code=code), uses("list_variables")])
    offered = {tool["name"]: tool for tool in requests[0]["tools"]}
    always = {"execute_code", "check_execution", "list_variables", "inspect", "list_kernels"}
    assert {f"mcp__cokernel__{name}" for name in always} <= set(offered)
    assert "live Jupyter kernel" in json.dumps(requests[0])  # the server's instructions
    ran, listed = results_in(requests)
    assert "Console 1/A · Test" in text_in(ran)
    assert "· ok ·" in text_in(ran)
    assert "a\n  b\tc" in text_in(ran)
    assert any(block.get("type") == "image" for block in ran)
    assert "plt" in text_in(listed)
