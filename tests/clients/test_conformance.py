"""The official conformance suite of the protocol, against `cokernel serve --http`.

Most of its scenarios call tools, prompts or resources of a fixture server that a product does not have. Every scenario
is named here: what applies runs, and what does not has its reason in `docs/conformance.md`.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bearer_proxy import bearer_proxy
from tests.support.mcp_clients import TOKEN, http_server
from tests.support.npm import node, npm_package

PACKAGE, VERSION = "@modelcontextprotocol/conformance", "0.2.0-alpha.12"
HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"

APPLIES = (
    ("server-initialize", HANDSHAKE),
    ("server-session-lifecycle", HANDSHAKE),
    ("ping", HANDSHAKE),
    ("tools-list", HANDSHAKE),
    ("tools-list", STATELESS),
    ("dns-rebinding-protection", HANDSHAKE),
    ("dns-rebinding-protection", STATELESS),
    ("server-sse-multiple-streams", HANDSHAKE),
    ("server-sse-multiple-streams", STATELESS),
    ("server-stateless", STATELESS),
    ("http-header-validation", STATELESS),
    ("caching", STATELESS),
)
TASKS = (
    "tasks-lifecycle",
    "tasks-wire-fields",
    "tasks-dispatch-and-envelope",
    "tasks-capability-negotiation",
    "tasks-request-headers",
    "tasks-request-state-removal",
)
"""Against `tests/support/tasks_server.py`, which has their fixture tools, our Tasks and our transport."""
NEEDS_A_FIXTURE = {
    "server-stateless": {
        # They call `test_missing_capability`, a tool that needs a capability the client has not declared.
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-missing-capability-http-400",
    },
    "caching": {
        # cokernel offers no prompts and no resources.
        "sep-2549-prompts-list-caching-hints",
        "sep-2549-resources-list-caching-hints",
        "sep-2549-resources-templates-list-caching-hints",
    },
}
"""Single checks, of scenarios that apply, that a product cannot meet."""

pytestmark = [pytest.mark.slow, pytest.mark.live]


@pytest.fixture(scope="module")
def suite() -> list[str]:
    """The command of the suite."""
    return [node(), str(npm_package(PACKAGE, VERSION) / "dist" / "index.js")]


@pytest.mark.parametrize(("scenario", "version"), APPLIES)
async def test_scenario_passes(
    scenario: str,
    version: str,
    suite: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "s"))
    async with http_server() as url, bearer_proxy(url, TOKEN) as open_url:
        chosen = ("--scenario", scenario, "--spec-version", version, "--verbose")
        checks = await _checks([*suite, "server", "--url", open_url, *chosen])
    assert any(check["status"] == "SUCCESS" for check in checks)
    failed = {check["id"]: check.get("errorMessage") for check in checks if _failed(check)}
    assert set(failed) <= NEEDS_A_FIXTURE.get(scenario, set()), failed


@pytest.fixture(scope="module")
def tasks_url() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.support.tasks_server"]
    process = subprocess.Popen(command, cwd=PAGE.parents[1], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        yield process.stdout.readline().strip()
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("scenario", TASKS)
async def test_scenario_of_tasks_passes(scenario: str, suite: list[str], tasks_url: str) -> None:
    command = [*suite, "server", "--url", tasks_url, "--scenario", scenario, "--verbose"]
    checks = await _checks(command)
    assert any(check["status"] == "SUCCESS" for check in checks)
    assert not {check["id"]: check.get("errorMessage") for check in checks if _failed(check)}


def test_every_scenario_is_explained(suite: list[str]) -> None:
    listed = subprocess.run(
        [*suite, "list", "--server"], check=True, capture_output=True, text=True
    )
    page = PAGE.read_text("utf-8")
    unexplained = [name for name in _names(listed.stdout) if not _is_explained(name, page)]
    assert not unexplained


def test_page_names_what_runs() -> None:
    page = PAGE.read_text("utf-8")
    assert VERSION in page
    for scenario, _ in APPLIES:
        assert f"| `{scenario}` | runs |" in page
    for scenario in TASKS:
        assert f"| `{scenario}` | runs with fixtures |" in page
    for checks in NEEDS_A_FIXTURE.values():
        for check in checks:
            assert f"`{check}`" in page


def _is_explained(name: str, page: str) -> bool:
    """By its own name, or by its family's: `tasks-*`."""
    families = re.findall(r"`([a-z0-9-]+-)\*`", page)
    return f"`{name}`" in page or name.startswith(tuple(families))


def _names(listing: str) -> Iterator[str]:
    yield from re.findall(r"^  - (\S+) \[", listing, re.MULTILINE)


def _failed(check: dict[str, Any]) -> bool:
    return check["status"] not in ("SUCCESS", "WARNING", "INFO", "SKIPPED")


async def _checks(command: list[str]) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    text = out.decode()
    begin = text.find("\n[\n")
    assert begin >= 0, text
    checks, _ = json.JSONDecoder().raw_decode(text[begin + 1 :])
    assert isinstance(checks, list)
    return checks
