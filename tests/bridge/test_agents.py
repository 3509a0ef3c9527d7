"""What an agent is told when the kernel under it has changed."""

from __future__ import annotations

import pytest
from mcp import Client
from mcp_types import Implementation

from cokernel.server.app import build_server
from cokernel.session.agents import Agent, Place
from tests.support.mcp_clients import unwatched_bridge


def agent_in(place: Place) -> Agent:
    agent = Agent("c1", home="share")
    agent.works_in(place)
    return agent


def test_the_first_call_and_those_that_follow_in_one_kernel_are_no_news() -> None:
    kernel = object()
    agent = agent_in(Place(kernel, 1, "Console 1/A"))
    agent.works_in(Place(kernel, 1, "Console 1/A"))
    assert agent.take_news() == []


def test_a_renamed_console_is_no_news() -> None:
    kernel = object()
    agent = agent_in(Place(kernel, 1, "Console 1/A"))
    agent.works_in(Place(kernel, 1, "fit"))
    assert agent.take_news() == []


def test_a_restart_between_two_calls_is_told_once() -> None:
    kernel = object()
    agent = agent_in(Place(kernel, 1, "Console 1/A"))
    agent.works_in(Place(kernel, 2, "Console 1/A"))
    assert agent.take_news() == [
        "Console 1/A was restarted since your last call; its variables are gone."
    ]
    assert agent.take_news() == []


def test_a_new_kernel_under_the_same_name_is_told_as_what_it_is() -> None:
    agent = agent_in(Place(object(), 1, "analysis.ipynb"))
    agent.works_in(Place(object(), 2, "analysis.ipynb"))
    assert agent.take_news() == [
        "analysis.ipynb has a new kernel since your last call; its variables are gone."
    ]


def test_the_same_process_over_another_connection_is_no_news() -> None:
    agent = agent_in(Place(object(), 1, "analysis.ipynb"))
    agent.works_in(Place(object(), 1, "analysis.ipynb"))
    assert agent.take_news() == []


def test_a_share_that_leads_to_another_console_is_told() -> None:
    agent = agent_in(Place(object(), 1, "Console 1/A"))
    agent.works_in(Place(object(), 2, "Console 2/A"))
    assert agent.take_news() == ["You are in Console 2/A now; your last call was in Console 1/A."]


def test_a_kernel_that_the_agent_chose_itself_is_no_news() -> None:
    agent = agent_in(Place(object(), 1, "Console 1/A"))
    agent.choose("k1")
    agent.works_in(Place(object(), 2, "private kernel"))
    assert agent.take_news() == []


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("Claude Code", "Claude Code"),
        ("Claude\n\x1b[2Jwas allowed\u202e", "Claude [2Jwas allowed"),
        (" \n", "agent"),
        ("x" * 10_000, "x" * 80),
    ],
)
async def test_a_clients_name_is_one_short_line_whatever_it_says(told: str, shown: str) -> None:
    bridge = unwatched_bridge()
    agent = bridge.agent_connected(None)
    server = build_server(bridge, lambda _: agent, switch=None, others=list)
    async with Client(server, client_info=Implementation(name=told, version="1\n")) as client:
        await client.call_tool("list_kernels", {})
    assert (agent.name, agent.version) == (shown, "1")
