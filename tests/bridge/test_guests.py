"""A kernel entered by its connection file: freely while nobody shares it, through its share once somebody does."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cokernel import shares
from cokernel.errors import CokernelError, Denied, LinkDown
from cokernel.host import BridgeHost
from cokernel.server import arguments as a
from cokernel.server import kernels
from cokernel.server.tools import check_execution, execute_code, list_variables
from cokernel.session.activity import State
from cokernel.session.agents import Agent
from cokernel.session.bridge import Bridge
from cokernel.session.policy import Mode
from cokernel.shares import unshared
from tests.support.kernels import Kernel, UserClient
from tests.support.sessions import PATIENCE_S, Watcher, call_of, share_elsewhere

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
async def bridge(plain_kernel: Kernel) -> AsyncIterator[Bridge]:
    """A stand-alone bridge whose default is the kernel's connection file, as `COKERNEL_CONNECTION` names it."""
    named = Bridge(
        place="",
        observer=Watcher(),
        mode=Mode.FREE,
        default=str(plain_kernel.connection_file),
    )
    yield named
    await named.close("The test ended.")


async def run(bridge: Bridge, agent: Agent, code: str) -> str:
    args = a.ExecuteCode(code=code, kernel=None)
    return (await execute_code(call_of(bridge, agent), args)).text


async def test_a_named_kernel_that_nobody_shares_runs_code_and_says_that_nobody_watches(
    bridge: Bridge,
):
    agent = bridge.agent_connected(None)
    assert "Out[" in await run(bridge, agent, "6 * 7")
    assert any("Nobody shares it" in news for news in agent.take_news())


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_named_kernel_that_is_shared_already_is_entered_through_its_share_only(
    bridge: Bridge, plain_kernel: Kernel, tmp_path: Path, mode: Mode
):
    other_name = tmp_path / "the-same-kernel.json"
    shutil.copy2(plain_kernel.connection_file, other_name)
    share_elsewhere(other_name, mode)
    agent = bridge.agent_connected(None)
    with pytest.raises(Denied, match=r"use_kernel\('spyder-1'\) goes there"):
        await run(bridge, agent, "leak = 1")
    with pytest.raises(Denied, match="Console 1/A"):
        await list_variables(call_of(bridge, agent), a.ListVariables(pattern=None, kernel=None))
    switched: list[str] = []
    await kernels.use(call_of(bridge, agent, switched), "spyder-1")
    assert switched == ["spyder-1"]


async def test_a_share_that_appears_ends_the_free_way_in(
    bridge: Bridge, plain_kernel: Kernel, plain_user: UserClient
):
    agent = bridge.agent_connected(None)
    await run(bridge, agent, "before = 1")
    share_elsewhere(plain_kernel.connection_file)
    with pytest.raises(CokernelError, match=r"use_kernel\('spyder-1'\)"):
        await run(bridge, agent, "after = 1")
    with pytest.raises(LinkDown, match=r"use_kernel\('spyder-1'\)"):
        await run(bridge, agent, "after = 2")
    assert await plain_user.value("'after' in globals(), before") == "(False, 1)"
    switched: list[str] = []
    await kernels.use(call_of(bridge, agent, switched), str(plain_kernel.connection_file))
    assert switched == ["spyder-1"]


async def test_a_run_that_waits_when_the_kernel_is_shared_never_begins(
    bridge: Bridge, plain_kernel: Kernel, plain_user: UserClient
):
    agent = bridge.agent_connected(None)
    await run(bridge, agent, "pass")
    session = await bridge.session_for(agent)
    plain_user.begin("input()", allow_stdin=True)
    asked = await plain_user.input_requested()
    waiting = session.submit(agent.client, "leak = 1")
    share_elsewhere(plain_kernel.connection_file)
    assert await waiting.wait(PATIENCE_S)
    assert (waiting.state, "spyder-1" in waiting.entry.reason) == (State.ABORTED, True)
    plain_user.answer(asked, "")
    assert await plain_user.value("'leak' in globals()") == "False"


async def test_a_run_that_was_begun_before_goes_on_but_takes_no_more_input(
    bridge: Bridge, plain_kernel: Kernel, plain_user: UserClient
):
    agent = bridge.agent_connected(None)
    await run(bridge, agent, "pass")
    session = await bridge.session_for(agent)
    watcher = bridge._observer
    assert isinstance(watcher, Watcher)
    execution = session.submit(agent.client, "exec(input('> '))")
    await watcher.until(lambda: execution.state is State.WAITING_INPUT)
    share_elsewhere(plain_kernel.connection_file)
    args = a.CheckExecution(execution=execution.number, input="leak = 1", offset=None)
    with pytest.raises(LinkDown):
        await check_execution(call_of(bridge, agent), args)
    assert execution.state is State.WAITING_INPUT
    await session.interrupt(execution)
    assert execution.state is State.INTERRUPTED


async def test_once_it_is_not_shared_any_more_the_named_kernel_can_be_chosen_again(
    bridge: Bridge, plain_kernel: Kernel
):
    agent = bridge.agent_connected(None)
    await run(bridge, agent, "mine = 1")
    share = share_elsewhere(plain_kernel.connection_file)
    with pytest.raises(CokernelError):
        await run(bridge, agent, "mine")
    shares.withdraw(share)
    told = await kernels.use(call_of(bridge, agent), str(plain_kernel.connection_file))
    assert "Nobody shares it" in told
    assert "Out[" in await run(bridge, agent, "mine")


@pytest.fixture
async def person(plain_kernel: Kernel) -> AsyncIterator[BridgeHost]:
    """Somebody who has shared the kernel to look only, and stopped."""
    host = BridgeHost(ide="Test", on_event=lambda event: None)
    host.start()
    file = str(plain_kernel.connection_file)
    share = asyncio.wrap_future(host.share(file, title="Console 1/A", mode=Mode.LOOK))
    await asyncio.wrap_future(host.unshare((await share).share_id))
    yield host
    assert await asyncio.to_thread(host.stop, 20)


async def test_an_agent_does_not_come_back_by_the_file_of_a_kernel_that_is_not_shared_any_more(
    person: BridgeHost, bridge: Bridge, plain_kernel: Kernel, plain_user: UserClient
):
    bridge._default = None
    file = str(plain_kernel.connection_file)
    call = call_of(bridge, bridge.agent_connected(None))
    with pytest.raises(Denied, match="has stopped sharing it"):
        await kernels.use(call, file)
    assert bridge.sessions == []
    shared = await asyncio.wrap_future(person.share(file, title="Console 1/A", mode=Mode.LOOK))
    switched: list[str] = []
    await kernels.use(call_of(bridge, bridge.agent_connected(None), switched), file)
    assert switched == [shared.share_id]


async def test_a_person_may_name_the_file_of_a_kernel_that_they_shared_before(
    person: BridgeHost, bridge: Bridge
):
    assert "Out[" in await run(bridge, bridge.agent_connected(None), "6 * 7")


def test_a_note_of_a_kernel_goes_with_its_process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        unshared.note(process.pid)
        assert unshared.is_noted(process.pid)
        assert unshared.sweep() == 0
    assert not unshared.is_noted(process.pid)
    assert unshared.sweep() == 1


async def command(*arguments: str) -> tuple[int, str]:
    """A command of cokernel's: exit code, and what it says on stderr."""
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "cokernel", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COKERNEL_CONNECTION": ""},
        check=False,
    )
    return ended.returncode, ended.stderr


async def test_the_command_run_goes_through_the_share_under_any_name_of_the_file(
    plain_kernel: Kernel, plain_user: UserClient, tmp_path: Path
):
    other_name = tmp_path / "the-same-kernel.json"
    shutil.copy2(plain_kernel.connection_file, other_name)
    share_elsewhere(plain_kernel.connection_file)
    code, said = await command("run", "leak = 1", "--connection-file", str(other_name))
    assert (code, "Console 1/A" in said) == (3, True), said
    assert await plain_user.value("'leak' in globals()") == "False"


async def test_a_kernel_that_is_shared_is_not_shared_a_second_time(plain_kernel: Kernel):
    share_elsewhere(plain_kernel.connection_file)
    file = str(plain_kernel.connection_file)
    options = ("--mode", "free", "--no-ui", "--connection-file", file)
    code, said = await command("share", *options)
    assert code != 0
    assert "Console 1/A · Spyder shares this kernel already" in said
