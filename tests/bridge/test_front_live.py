"""The front with the real bridge and real kernels, as people have them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from cokernel.session.policy import Mode
from cokernel.sharing import Sharing
from tests.support.front_client import FrontClient, text_of
from tests.support.kernels import Kernel, UserClient

pytestmark = pytest.mark.live
COMMAND = (sys.executable, "-m", "cokernel")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


def front(**env: str) -> FrontClient:
    return FrontClient(command=COMMAND, **env)


@asynccontextmanager
async def sharing() -> AsyncIterator[Sharing]:
    """A bridge as an IDE has it."""
    bridge = Sharing(ide="Spyder", workspaces=(), emit=lambda event: None)
    try:
        yield bridge
    finally:
        await bridge.close("The IDE was closed.")


async def share(bridge: Sharing, kernel: Kernel, share_id: str, title: str = "Console 1/A") -> None:
    await bridge.share(
        str(kernel.connection_file),
        title=title,
        mode=Mode.FREE,
        share_id=share_id,
        kernel_pid=kernel.pid,
    )


@pytest.mark.parametrize("modern", [True, False])
async def test_an_agent_is_in_the_users_kernel_without_being_told_where(
    plain_kernel: Kernel, plain_user: UserClient, modern: bool
):
    await plain_user.run("answer = 42")
    async with sharing() as bridge:
        await share(bridge, plain_kernel, "spyder-1")
        async with FrontClient(command=COMMAND, modern=modern) as client:
            text = await client.run("answer + 1")
            assert text.startswith("Console 1/A · Spyder")
            assert "43" in text


async def test_a_share_that_ends_in_a_call_answers_it_and_coming_back_finds_the_variables(
    plain_kernel: Kernel,
):
    async with sharing() as bridge, front() as client:
        await share(bridge, plain_kernel, "spyder-1")
        await client.run("kept = 7")
        call = await client.begin_call("execute_code", code="import time; time.sleep(60)")
        await client.call("list_kernels")  # by its answer, the call before it is there too
        await bridge.unshare("spyder-1", "Console 1/A was closed.")
        assert (await asyncio.wait_for(call, 10))["result"]["isError"]
        assert (await client.run("1")).startswith("error: Console 1/A was closed.")
        await share(bridge, plain_kernel, "spyder-1")
        assert "7" in await client.run("kept")


async def test_a_bridge_that_is_replaced_by_another_of_the_same_kernel_is_followed(
    plain_kernel: Kernel,
):
    async with front(COKERNEL_SHARE="Console 1/A") as client:
        async with sharing() as bridge:
            await share(bridge, plain_kernel, "spyder-1")
            await client.run("kept = 7")
        async with sharing() as bridge:
            await share(bridge, plain_kernel, "vscode-2")
            assert "7" in await client.run("kept")


async def test_the_private_kernel_ends_with_the_client():
    async with front() as client:
        assert "private kernel" in await client.run("1")
        family = psutil.Process(client.process.pid).children(recursive=True)
        assert len(family) >= 2
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert alive == []


async def test_the_private_kernel_ends_with_a_front_that_is_killed():
    async with front() as client:
        await client.run("1")
        family = psutil.Process(client.process.pid).children(recursive=True)
        client.process.kill()
        await client.process.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
    assert alive == []


async def test_a_killed_stand_alone_bridge_ends_a_call_and_the_agent_can_start_anew():
    async with front() as client:
        await client.run("x = 1")
        (bridge,) = psutil.Process(client.process.pid).children()
        family = bridge.children(recursive=True)
        call = await client.begin_call("execute_code", code="import time; time.sleep(60)")
        await client.call("list_kernels")  # by its answer, the call before it is there too
        bridge.kill()
        assert "may have partly run" in text_of(await asyncio.wait_for(call, 5))
        assert (await client.run("x")).startswith("error: The private kernel ended")
        assert not (await client.call("use_kernel", kernel="new")).startswith("error")
        assert "NameError" in await client.run("x")
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, 10)
        assert alive == []


async def test_use_kernel_leads_to_the_kernel_of_another_bridge_and_back(plain_kernel: Kernel):
    async with front() as client:
        assert "new: mine" in await client.run("mine = 1")
        async with sharing() as bridge:
            await share(bridge, plain_kernel, "spyder-1")
            assert "Out[2]: 1" in await client.run("mine")
            answer = await client.call("use_kernel", kernel="spyder-1")
            assert not answer.startswith("error")
            assert (await client.run("2 + 2")).startswith("Console 1/A · Spyder")
            await client.call("use_kernel", kernel="private kernel")
            assert "Out[3]: 1" in await client.run("mine")
