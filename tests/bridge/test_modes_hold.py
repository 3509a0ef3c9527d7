"""The mode of a share holds whichever way an agent comes to its kernel."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cokernel.errors import Denied, Unknown
from cokernel.server import arguments as a
from cokernel.server import kernels
from cokernel.server.tools import check_execution, execute_code, recent_activity
from cokernel.session.activity import State
from cokernel.session.agents import Agent
from cokernel.session.bridge import Bridge
from cokernel.session.policy import Answer, Mode
from tests.support.kernels import Kernel, UserClient
from tests.support.sessions import Agents, Watcher, agents_at, call_of, share_elsewhere

pytestmark = pytest.mark.live


@pytest.fixture
async def stand_alone() -> AsyncIterator[Bridge]:
    """A bridge in which agents run freely."""
    bridge = Bridge(place="", observer=Watcher(), mode=Mode.FREE)
    yield bridge
    await bridge.close("The test ended.")


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "state"))


def spelt(how: str, connection_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Another name of the same kernel."""
    if how == "relative":
        monkeypatch.chdir(connection_file.parent)
        return connection_file.name
    other = folder / "other.json"
    if how == "link to the folder":
        (folder / "link").symlink_to(connection_file.parent)
        return str(folder / "link" / connection_file.name)
    shutil.copy2(connection_file, other)
    return str(other)


SPELLINGS = ("relative", "link to the folder", "copy")


@pytest.mark.parametrize("how", SPELLINGS)
async def test_a_kernel_that_another_bridge_shares_is_entered_through_that_share(
    how: str,
    plain_kernel: Kernel,
    stand_alone: Bridge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    share_elsewhere(plain_kernel.connection_file)
    name = spelt(how, plain_kernel.connection_file, tmp_path, monkeypatch)
    switched: list[str] = []
    call = call_of(stand_alone, stand_alone.agent_connected(None), switched)
    await kernels.use(call, name)
    assert switched == ["spyder-1"]
    assert stand_alone.sessions == []


@pytest.mark.parametrize("how", SPELLINGS)
async def test_a_share_of_the_same_bridge_keeps_its_mode_under_any_name(
    how: str, plain_kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with agents_at(plain_kernel.connection_file, mode=Mode.LOOK) as agents:
        name = spelt(how, plain_kernel.connection_file, tmp_path, monkeypatch)
        call = call_of(agents.bridge, agents.bridge.agent_connected("share"))
        await kernels.use(call, name)
        assert agents.bridge.sessions == [agents.session]
        with pytest.raises(Denied):
            await execute_code(call, a.ExecuteCode(code="1", kernel=None))


async def test_a_connection_file_that_is_gone_is_refused_with_a_next_step(
    stand_alone: Bridge, tmp_path: Path
) -> None:
    call = call_of(stand_alone, stand_alone.agent_connected(None))
    with pytest.raises(Unknown, match="list_kernels"):
        await kernels.use(call, str(tmp_path / "kernel-1.json"))


# -- a change of mode


async def test_runs_that_have_not_begun_ask_once_the_mode_is_ask_me(
    plain_kernel: Kernel, plain_user: UserClient
) -> None:
    async with agents_at(plain_kernel.connection_file) as agents:
        await agents.settled()
        plain_user.begin("input()", allow_stdin=True)
        await agents.watcher.until(lambda: agents.session.user_busy_since)
        execution = agents.begin("mine = 1")
        assert execution.state is State.QUEUED
        agents.session.set_mode(Mode.ASK)
        assert execution.state is State.WAITING_APPROVAL
        agents.session.answer(execution.entry.approval, Answer.ONCE)
        agents.session.set_mode(Mode.ASK)
        assert execution.state is State.QUEUED
        plain_user.answer(await plain_user.input_requested(), "")
        assert (await agents.ended(execution)).state is State.OK


# -- input


async def waiting_for_input(agents: Agents, code: str) -> int:
    execution = agents.begin(code)
    if execution.entry.approval:
        agents.session.answer(execution.entry.approval, Answer.ONCE)
    await agents.watcher.until(lambda: execution.state is State.WAITING_INPUT)
    return execution.number


async def answer(agents: Agents, agent: Agent, number: int, text: str) -> None:
    args = a.CheckExecution(execution=number, input=text, offset=None, wait_s=30)
    await check_execution(call_of(agents.bridge, agent), args)


async def asked_about(agents: Agents, line: str) -> str:
    """The approval under which the person is asked about a typed line."""

    def approval() -> str:
        found = [e.approval for e in agents.session.log if e.code == line]
        return found[0] if found else ""

    await agents.watcher.until(approval)
    return approval()


@pytest.mark.parametrize(
    "code", ["exec(input())", "import pdb; pdb.set_trace(); 1", "import code; code.interact()"]
)
async def test_in_ask_me_the_person_sees_each_line_before_it_is_typed(
    plain_kernel: Kernel, code: str
) -> None:
    async with agents_at(plain_kernel.connection_file, mode=Mode.ASK) as agents:
        agent = agents.bridge.agent_connected("share")
        agents.client = agent.client
        number = await waiting_for_input(agents, code)
        typing = asyncio.create_task(answer(agents, agent, number, "leak = 1"))
        approval = await asked_about(agents, "leak = 1")
        agents.session.answer(approval, Answer.DENY)
        with pytest.raises(Denied, match="Nothing was typed"):
            await typing
        assert agents.session.find_execution(number).state is State.WAITING_INPUT


async def test_a_line_that_the_person_allows_is_typed(plain_kernel: Kernel) -> None:
    async with agents_at(plain_kernel.connection_file, mode=Mode.ASK) as agents:
        agent = agents.bridge.agent_connected("share")
        agents.client = agent.client
        number = await waiting_for_input(agents, "name = input('Who? ')")
        typing = asyncio.create_task(answer(agents, agent, number, "Ada"))
        agents.session.answer(await asked_about(agents, "Ada"), Answer.ONCE)
        await typing
        agents.session.set_mode(Mode.FREE)
        assert await agents.value("name") == "'Ada'"


async def test_a_run_that_was_begun_freely_takes_no_line_unasked_once_the_mode_is_ask_me(
    plain_kernel: Kernel,
) -> None:
    async with agents_at(plain_kernel.connection_file) as agents:
        agent = agents.bridge.agent_connected("share")
        agents.client = agent.client
        number = await waiting_for_input(agents, "exec(input())")
        agents.session.set_mode(Mode.ASK)
        typing = asyncio.create_task(answer(agents, agent, number, "leak = 1"))
        agents.session.answer(await asked_about(agents, "leak = 1"), Answer.DENY)
        with pytest.raises(Denied):
            await typing


async def test_nothing_is_typed_into_a_run_once_the_share_is_to_look_only(
    plain_kernel: Kernel,
) -> None:
    async with agents_at(plain_kernel.connection_file) as agents:
        agent = agents.bridge.agent_connected("share")
        agents.client = agent.client
        number = await waiting_for_input(agents, "exec(input())")
        agents.session.set_mode(Mode.LOOK)
        with pytest.raises(Denied):
            await answer(agents, agent, number, "leak = 1")


# -- several kernels


async def test_leaving_one_kernel_leaves_the_agent_where_it_works(
    plain_kernel: Kernel, stand_alone: Bridge
) -> None:
    agent = stand_alone.agent_connected(None)
    call = call_of(stand_alone, agent)
    await kernels.use(call, str(plain_kernel.connection_file))
    brought_in = stand_alone.sessions[0].kernel_id
    await kernels.use(call, "new")
    here = agent.kernel_id
    await kernels.stop(call, brought_in, restart=False)
    assert (await stand_alone.session_for(agent)).kernel_id == here


async def test_activity_since_the_last_look_is_counted_for_each_kernel(
    plain_kernel: Kernel, stand_alone: Bridge
) -> None:
    agent = stand_alone.agent_connected(None)
    call = call_of(stand_alone, agent)
    await kernels.use(call, str(plain_kernel.connection_file))
    there = agent.kernel_id
    await execute_code(call, a.ExecuteCode(code="there = 1", kernel=None))
    await kernels.use(call, "new")
    await execute_code(call, a.ExecuteCode(code="here = 1", kernel=None))
    await recent_activity(call, a.RecentActivity(since=None, kernel=None))
    seen = await recent_activity(call, a.RecentActivity(since=None, kernel=there))
    assert "there = 1" in seen.text
    again = await recent_activity(call, a.RecentActivity(since=None, kernel=there))
    assert "there = 1" not in again.text
