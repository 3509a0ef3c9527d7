"""The SDK's own client through the front, in both eras: it checks every line that the front writes by itself."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from cokernel.session.policy import Mode
from cokernel.sharing import Sharing
from tests.support.kernels import Kernel

pytestmark = [pytest.mark.live, pytest.mark.parametrize("mode", ["auto", "legacy"])]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


@asynccontextmanager
async def sharing(kernel: Kernel, share_id: str) -> AsyncIterator[Sharing]:
    """A bridge as an IDE has it, with one share."""
    bridge = Sharing(ide="Spyder", workspaces=(), emit=lambda event: None)
    try:
        await bridge.share(
            str(kernel.connection_file),
            title="Console 1/A",
            mode=Mode.FREE,
            share_id=share_id,
            kernel_pid=kernel.pid,
        )
        yield bridge
    finally:
        await bridge.close("The IDE was closed.")


def server() -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "cokernel"], env=dict(os.environ)
    )


async def run(client: Client, code: str) -> CallToolResult:
    result = await client.call_tool("execute_code", {"code": code})
    assert isinstance(result, CallToolResult)
    return result


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def test_work_goes_on_after_the_bridge_was_replaced(plain_kernel: Kernel, mode: str):
    async with sharing(plain_kernel, "spyder-1") as first, Client(server(), mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        await run(client, "kept = 7")
        call = asyncio.create_task(run(client, "import time; time.sleep(5)"))
        await client.call_tool("list_kernels", {})
        await first.close("Spyder was closed.")
        cut_off = await asyncio.wait_for(call, 10)
        assert cut_off.is_error
        refused = await run(client, "kept")
        assert refused.is_error
        assert text_of(refused).startswith("Spyder was closed.")
        assert [tool.name for tool in (await client.list_tools()).tools] == names
        kernels = await client.call_tool("list_kernels", {})
        assert isinstance(kernels, CallToolResult)
        assert "Spyder was closed." in text_of(kernels)
        async with sharing(plain_kernel, "spyder-1"):
            assert "7" in text_of(await run(client, "kept"))


async def test_a_lost_kernel_is_left_for_a_private_one_by_the_agents_choice(
    plain_kernel: Kernel, mode: str
):
    async with Client(server(), mode=mode) as client:
        async with sharing(plain_kernel, "spyder-1"):
            await run(client, "kept = 7")
        assert (await run(client, "kept")).is_error
        chosen = await client.call_tool("use_kernel", {"kernel": "new"})
        assert isinstance(chosen, CallToolResult)
        assert not chosen.is_error
        assert "NameError" in text_of(await run(client, "kept"))
