"""A call that takes long becomes a task, for a client that knows tasks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client import advertise
from mcp_types import CallToolResult, Request
from pydantic import RootModel

from cokernel.server.app import build_server
from cokernel.server.tasks import EXTENSION
from cokernel.session.bridge import Bridge
from tests.support.kernels import Kernel
from tests.support.mcp_clients import text_of, unwatched_bridge

pytestmark = pytest.mark.live

GRACE_S = 0.3
ENDLESS = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.01)"


class AsItCame(RootModel[dict[str, Any]]):
    """A result that nobody has interpreted."""


@pytest.fixture
async def bridge(running_kernel: Kernel) -> AsyncIterator[Bridge]:
    served = unwatched_bridge(str(running_kernel.connection_file))
    await served.private_session()
    yield served
    await served.close("The test ended.")


def client(bridge: Bridge, *, knows_tasks: bool = True) -> Client:
    agent = bridge.agent_connected(None)
    server = build_server(bridge, lambda _: agent, switch=None, others=list, grace_s=GRACE_S)
    return Client(server, extensions=[advertise(EXTENSION)] if knows_tasks else [])


async def ask(client: Client, method: str, **params: Any) -> dict[str, Any]:
    """Any request, its result as it came."""
    request = Request[dict[str, Any], str](method=method, params=params)
    return (await client.session.send_request(request, AsItCame)).root


async def begin(client: Client, code: str, **arguments: Any) -> dict[str, Any]:
    return await ask(
        client, "tools/call", name="execute_code", arguments={"code": code, **arguments}
    )


async def ended(client: Client, task_id: str) -> dict[str, Any]:
    for _ in range(300):
        task = await ask(client, "tasks/get", taskId=task_id)
        if task["status"] != "working":
            return task
        await asyncio.sleep(0.05)  # the protocol has clients poll
    raise AssertionError(f"still working: {task}")


def text_in(task: dict[str, Any]) -> str:
    return text_of(CallToolResult.model_validate(task["result"]))


async def test_short_call_is_answered_as_ever(bridge: Bridge) -> None:
    async with client(bridge) as agent:
        assert EXTENSION in (agent.server_capabilities.extensions or {})
        assert ": 42" in text_of(await agent.call_tool("execute_code", {"code": "6 * 7"}))


async def test_long_call_becomes_a_task_that_ends_with_its_result(bridge: Bridge) -> None:
    code = "import time\nprint('begun', flush=True)\ntime.sleep(3)\n'the end'"
    async with client(bridge) as agent:
        # Its patience is the client's, not the task's: it is followed to its end.
        begun = await begin(agent, code, timeout_s=1)
        assert begun["resultType"] == "task"
        assert begun["status"] == "working"
        task = await ended(agent, begun["taskId"])
        assert task["status"] == "completed"
        assert "· ok ·" in text_in(task)
        assert "'the end'" in text_in(task)


async def test_task_says_what_was_printed_last(bridge: Bridge) -> None:
    async with client(bridge) as agent:
        begun = await begin(agent, ENDLESS)
        task = begun
        for _ in range(100):
            task = await ask(agent, "tasks/get", taskId=begun["taskId"])
            if task["statusMessage"] == "begun":
                break
            await asyncio.sleep(0.1)
        assert task["statusMessage"] == "begun"
        await ask(agent, "tasks/cancel", taskId=begun["taskId"])


async def test_cancelled_task_interrupts_its_own_cell(bridge: Bridge) -> None:
    async with client(bridge) as agent:
        begun = await begin(agent, ENDLESS)
        await ask(agent, "tasks/cancel", taskId=begun["taskId"])
        assert (await ended(agent, begun["taskId"]))["status"] == "cancelled"
        freed = await begin(agent, "'free again'")
        result = await ended(agent, freed["taskId"]) if "taskId" in freed else {"result": freed}
        assert "'free again'" in text_in(result)


async def test_client_that_goes_takes_its_tasks_along(bridge: Bridge) -> None:
    async with client(bridge) as agent:
        await begin(agent, ENDLESS)
    async with client(bridge) as agent:
        freed = await begin(agent, "'free again'")
        result = await ended(agent, freed["taskId"]) if "taskId" in freed else {"result": freed}
        assert "'free again'" in text_in(result)


async def test_client_without_the_extension_waits_and_is_told_how_to_follow(bridge: Bridge) -> None:
    async with client(bridge, knows_tasks=False) as agent:
        result = await agent.call_tool("execute_code", {"code": ENDLESS, "timeout_s": 1})
        found = re.search(r"check_execution\(execution=(\d+)", text_of(result))
        assert found is not None, text_of(result)
        await agent.call_tool("interrupt_execution", {"execution": int(found[1])})


async def test_unknown_task_and_undeclared_extension_are_errors(bridge: Bridge) -> None:
    async with client(bridge) as agent:
        with pytest.raises(MCPError, match="no such task"):
            await ask(agent, "tasks/get", taskId="nonsense")
    async with client(bridge, knows_tasks=False) as agent:
        with pytest.raises(MCPError, match="capability"):
            await ask(agent, "tasks/get", taskId="nonsense")
