"""What a model reads before it has done anything: it must be little, and complete."""

from __future__ import annotations

import json

import pytest
from mcp import Client
from mcp_types import Tool

from cokernel.server.app import INSTRUCTIONS, build_server
from tests.support.mcp_clients import unwatched_bridge

MAX_TOOLS = 13
MAX_TOKENS = 1_800
CHARS_PER_TOKEN = 4
CUT_AT_CHARS = 4_096
"""Where Claude Code cuts descriptions and instructions."""


@pytest.fixture
async def tools() -> list[Tool]:
    bridge = unwatched_bridge()
    agent = bridge.agent_connected(None)
    server = build_server(bridge, lambda _: agent, switch=None, others=list)
    async with Client(server) as client:
        return (await client.list_tools()).tools


def test_tool_list_is_small(tools: list[Tool]) -> None:
    listed = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
    assert len(listed) <= MAX_TOOLS
    assert len(json.dumps(listed)) / CHARS_PER_TOKEN <= MAX_TOKENS


def test_every_tool_has_a_title_annotations_and_one_line(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.title, tool.name
        assert tool.description, tool.name
        assert "\n" not in tool.description, tool.name
        assert tool.annotations is not None, tool.name
        assert tool.annotations.read_only_hint is not None, tool.name
        assert tool.output_schema is None, "clients would show the model JSON instead of the text"


def test_looks_and_only_looks_are_read_only(tools: list[Tool]) -> None:
    read_only = {t.name for t in tools if t.annotations and t.annotations.read_only_hint}
    assert read_only == {"list_variables", "inspect", "recent_activity", "list_kernels"}


def test_five_tools_are_always_loaded(tools: list[Tool]) -> None:
    always = {tool.name for tool in tools if (tool.meta or {}).get("anthropic/alwaysLoad")}
    assert always == {
        "execute_code",
        "check_execution",
        "list_variables",
        "inspect",
        "list_kernels",
    }


def test_instructions_are_not_cut() -> None:
    assert len(INSTRUCTIONS) < CUT_AT_CHARS / 2
