"""The user's cells with agents beside them: never aborted, reordered, interrupted or changed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cokernel.errors import CannotLook
from cokernel.kernel.inkernel import package_name
from cokernel.kernel.link import Message
from cokernel.kernel.zmq import ZmqLink
from cokernel.session.activity import State
from tests.support.kernels import Kernel, UserClient
from tests.support.sessions import Agents, agents_at, text_of

pytestmark = pytest.mark.live

STATE = "(len(In), len(Out), get_ipython().execution_count, _, sorted(globals()))"
GATE = "import pathlib, time\nprint('at work')\nwhile not pathlib.Path({path!r}).exists(): time.sleep(0.01)"


@pytest.fixture
async def agents(lasting_kernel: Kernel, lasting_user: UserClient) -> AsyncIterator[Agents]:
    async with agents_at(lasting_kernel.connection_file) as ready:
        await ready.settled()
        yield ready


def gate_in(folder: Path, name: str = "gate") -> tuple[str, Path]:
    """Code that runs until a file appears, and that file."""
    path = folder / name
    return GATE.format(path=str(path)), path


@pytest.mark.parametrize("ending", ["raise ValueError('agent')", "raise KeyboardInterrupt"])
async def test_a_failing_run_aborts_no_cell_of_the_user(
    lasting_user: UserClient, agents: Agents, tmp_path: Path, ending: str
):
    gate, path = gate_in(tmp_path)
    failing = agents.begin(f"{gate}\n{ending}")
    await agents.printed(failing, "at work")
    cells = [lasting_user.begin(f"x{i} = {i}") for i in range(3)]
    path.touch()
    replies = [await cell.done() for cell in cells]
    assert [reply["status"] for reply in replies] == ["ok", "ok", "ok"]
    counts = [reply["execution_count"] for reply in replies]
    assert counts == sorted(counts)
    assert (await agents.ended(failing)).state in (State.ERROR, State.INTERRUPTED)


async def test_an_interrupted_run_aborts_no_cell_of_the_user(
    lasting_user: UserClient, agents: Agents
):
    running = agents.begin("import time\nprint('at work')\nwhile True: time.sleep(0.01)")
    await agents.printed(running, "at work")
    cells = [lasting_user.begin(f"x{i} = {i}") for i in range(3)]
    assert await agents.session.interrupt(running)
    assert running.state is State.INTERRUPTED
    assert [(await cell.done())["status"] for cell in cells] == ["ok", "ok", "ok"]


async def test_a_run_waits_behind_the_users_cell_and_says_so(
    lasting_user: UserClient, agents: Agents, tmp_path: Path
):
    gate, path = gate_in(tmp_path)
    cell = lasting_user.begin(gate + "\nseen = 'user'")
    await cell.printed("at work")
    await agents.watcher.until(lambda: agents.session.user_busy_since is not None)
    execution = agents.begin("print(seen)")
    assert (execution.state, execution.entry.reason) == (State.QUEUED, "queued behind your cell")
    assert not execution.is_sent
    path.touch()
    await agents.ended(execution)
    assert text_of(execution) == "user\n"


async def test_a_queued_run_can_be_taken_back_and_never_runs(
    lasting_user: UserClient, agents: Agents, tmp_path: Path
):
    gate, path = gate_in(tmp_path)
    cell = lasting_user.begin(gate)
    await cell.printed("at work")
    await agents.watcher.until(lambda: agents.session.user_busy_since is not None)
    execution = agents.begin("ran = True")
    assert await agents.session.interrupt(execution)
    assert execution.state is State.ABORTED
    path.touch()
    assert (await cell.done())["status"] == "ok"
    assert await lasting_user.value("'ran' in globals()") == "False"


async def test_a_run_that_was_held_here_outlives_the_users_failing_cell(
    lasting_user: UserClient, agents: Agents, tmp_path: Path
):
    gate, path = gate_in(tmp_path)
    cell = lasting_user.begin(gate + "\n1/0")
    await cell.printed("at work")
    await agents.watcher.until(lambda: agents.session.user_busy_since is not None)
    execution = agents.begin("print('ran')")
    path.touch()
    assert (await cell.done())["status"] == "error"
    await agents.ended(execution)
    assert (execution.state, text_of(execution)) == (State.OK, "ran\n")


async def test_a_run_that_the_users_failing_cell_aborts_has_never_run(
    lasting_user: UserClient, agents: Agents, tmp_path: Path
):
    first_gate, first_path = gate_in(tmp_path, "first")
    second_gate, second_path = gate_in(tmp_path, "second")
    first = lasting_user.begin(first_gate)
    await first.printed("at work")
    await agents.watcher.until(lambda: agents.session.user_busy_since is not None)
    second = lasting_user.begin(second_gate + "\nraise ValueError('user')")
    execution = agents.begin("ran = True")
    first_path.touch()
    # In the moment between the user's cells the run is sent: it stands behind the second one, in the kernel's queue.
    await agents.watcher.until(lambda: execution.is_sent)
    await second.printed("at work")
    second_path.touch()
    assert (await second.done())["status"] == "error"
    entry = await agents.ended(execution)
    assert entry.state is State.ABORTED
    assert entry.reason == "A cell before it failed, so it never ran."
    assert entry.duration_s is None
    assert await lasting_user.value("'ran' in globals()") == "False"


async def test_looks_leave_history_counters_and_names_as_they_were(
    lasting_user: UserClient, agents: Agents
):
    await lasting_user.run("a = 1\na")
    before = await lasting_user.value(STATE)
    for _ in range(3):
        await agents.session.looks.variables()
        await agents.session.looks.describe("a")
        await agents.session.looks.running()
        await agents.session.looks.changes_since_last()
    assert await lasting_user.value(STATE) == before
    assert (await (lasting_user.begin("_")).done())["status"] == "ok"


async def test_the_users_cells_are_in_the_activity_log(lasting_user: UserClient, agents: Agents):
    await lasting_user.run("a = 1")
    await lasting_user.begin("1/0").done()
    await lasting_user.run("pass", silent=True, store_history=False)
    cells = agents.watcher.users_cells
    await agents.watcher.until(lambda: len(cells()) >= 2 and cells()[-1].state.is_final)
    done = [(c.code, c.state) for c in cells()]
    assert done == [("a = 1", State.OK), ("1/0", State.ERROR)]
    error = cells()[-1].error
    assert error is not None
    assert error.ename == "ZeroDivisionError"


async def test_attaching_while_the_users_cell_runs(
    lasting_kernel: Kernel, lasting_user: UserClient, tmp_path: Path
):
    gate, path = gate_in(tmp_path)
    cell = lasting_user.begin(gate)
    await cell.printed("at work")
    async with agents_at(lasting_kernel.connection_file) as agents:
        execution = agents.begin("print('after')")
        assert execution.entry.reason == "queued behind your cell"
        with pytest.raises(CannotLook, match="since before sharing began"):
            await agents.session.looks.variables()
        path.touch()
        await agents.ended(execution)
        assert text_of(execution) == "after\n"
        assert (await agents.session.looks.variables()).total >= 0
    assert (await cell.done())["status"] == "ok"


async def test_sharing_that_ends_before_the_helper_was_let_in_leaves_none_behind(
    lasting_kernel: Kernel, lasting_user: UserClient, tmp_path: Path
):
    gate, path = gate_in(tmp_path)
    cell = lasting_user.begin(gate)
    await cell.printed("at work")
    async with agents_at(lasting_kernel.connection_file) as agents:
        await agents.session.close("It is not shared any more.")
        path.touch()
        await cell.done()
        leaving = agents.session._seeing_helper_off
        assert leaving is not None
        await asyncio.wait_for(leaving, 20)
    left = f"{package_name()!r}+'_request' in get_ipython().kernel.control_handlers"
    assert await lasting_user.value(left) == "False"


async def test_the_users_lost_idle_does_not_hold_agents_for_ever(
    lasting_kernel: Kernel,
    lasting_user: UserClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("cokernel.session.bridge.ZmqLink", _NoIdleOfOthers)
    gate, path = gate_in(tmp_path)
    async with agents_at(lasting_kernel.connection_file) as agents:
        await agents.settled()
        cell = lasting_user.begin(gate)
        await cell.printed("at work")
        await agents.watcher.until(lambda: agents.session.user_busy_since is not None)
        execution = agents.begin("print('ran')")
        path.touch()
        await agents.ended(execution)
        assert text_of(execution) == "ran\n"


class _NoIdleOfOthers(ZmqLink):
    """A link that loses the end of every cell of the user."""

    def _arrived(self, message: Message) -> None:
        is_idle = message.content.get("execution_state") == "idle"
        if not is_idle or message.parent_session == self.session_id:
            super()._arrived(message)


async def test_reset_leaves_agents_at_work(lasting_user: UserClient, agents: Agents):
    await lasting_user.run("a = 1")
    await lasting_user.run("%reset -f")
    execution = await agents.run("b = 2")
    assert [change.name for change in execution.entry.changes] == ["b"]
    names = [v.name for v in (await agents.session.looks.variables()).variables]
    assert names == ["b"]


async def test_the_users_input_is_theirs_while_agents_look_and_wait(
    lasting_user: UserClient, agents: Agents
):
    cell = lasting_user.begin("name = input('who? ')\nprint('hello ' + name)")
    request = await lasting_user.input_requested()
    await agents.watcher.until(lambda: agents.session.user_busy_since is not None)
    running = await agents.session.looks.running()
    assert running is not None
    assert running.waiting_for_input
    execution = agents.begin("print(name)")
    lasting_user.answer(request, "Ada")
    await cell.done()
    assert cell.text == "hello Ada\n"
    await agents.ended(execution)
    assert text_of(execution) == "Ada\n"


@pytest.mark.parametrize("gap_ms", [1, 2, 4, 7])
async def test_a_stop_that_is_pressed_again_as_we_come_in_costs_neither_looks_nor_runs(
    plain_kernel: Kernel, plain_user: UserClient, gap_ms: int
):
    cell = plain_user.begin("import time\nprint('at work')\ntime.sleep(60)")
    await cell.printed("at work")
    async with agents_at(plain_kernel.connection_file) as agents:
        with pytest.raises(CannotLook):
            await agents.session.looks.variables()
        for _ in range(15):  # the first ends the cell, a later one hits our own request
            os.kill(plain_kernel.pid, signal.SIGINT)
            await asyncio.sleep(gap_ms / 1000)
        assert (await agents.run("1 + 1")).state is State.OK
        await agents.session.looks.variables()
