"""Agents' runs among themselves: order, interrupts, input, approvals, modes; in each kernel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cokernel.errors import BadRequest, Denied, LinkDown, Unknown
from cokernel.kernel.outputtypes import ErrorOutput
from cokernel.session.activity import State
from cokernel.session.kept import MAX_UNFINISHED
from cokernel.session.policy import Answer, Mode
from tests.support.kernels import Kernel, UserClient
from tests.support.sessions import Agents, agents_at, text_of

pytestmark = pytest.mark.live


@pytest.fixture
async def agents(lasting_kernel: Kernel, lasting_user: UserClient) -> AsyncIterator[Agents]:
    async with agents_at(lasting_kernel.connection_file) as ready:
        await ready.settled()
        yield ready


async def test_text_is_exact(agents: Agents):
    text = "tab\there · naïve 日本語 🙂 \u00a0|  trailing  \n\n\tend"
    execution = await agents.run(f"print({text!r})")
    assert text_of(execution) == text + "\n"


async def test_an_error_that_the_kernel_cannot_publish_is_told(agents: Agents):
    execution = await agents.run("raise ValueError(chr(0xdfff))")
    (error,) = execution.outputs.snapshot()
    assert isinstance(error, ErrorOutput)
    assert "surrogates not allowed" in error.evalue


async def test_null_bytes_and_odd_names_are_code_like_any_other(agents: Agents):
    assert (await agents.run("print('a\0b')")).state in (State.OK, State.ERROR)
    assert (await agents.run("globals()[chr(0xdfff)] = chr(0xd800)")).state is State.OK
    names = [v.name for v in (await agents.session.looks.variables()).variables]
    assert "\\udfff" in names


async def test_twenty_runs_and_the_users_cells_keep_their_outputs_apart(
    lasting_user: UserClient, agents: Agents
):
    other = agents.another()
    executions = [agents.begin(f"print('agent {n}')", other if n % 2 else None) for n in range(20)]
    cells = [lasting_user.begin(f"print('user {n}')") for n in range(5)]
    for n, execution in enumerate(executions):
        await agents.ended(execution, 30)
        assert (execution.state, text_of(execution)) == (State.OK, f"agent {n}\n")
    for n, cell in enumerate(cells):
        await cell.done()
        assert cell.text == f"user {n}\n"
    order = [e.entry.execution_count for e in executions]
    assert order == sorted(order, key=lambda count: count or 0)


async def test_a_run_says_which_one_it_waits_for(agents: Agents):
    first = agents.begin("input()")
    second, third = agents.begin("pass"), agents.begin("print('third')")
    assert second.entry.reason == third.entry.reason == f"queued behind execution {first.number}"
    await agents.watcher.until(lambda: first.state is State.WAITING_INPUT)
    await agents.session.answer_input(agents.client, first, "go")
    await agents.ended(third)
    reasons = [s.reason for s in agents.watcher.steps if s.number == third.entry.number]
    assert f"queued behind execution {second.number}" in reasons


@pytest.mark.parametrize(
    "code",
    [
        "import time\nprint('at work')\nwhile True: time.sleep(0.01)",
        "print('at work', flush=True)\nimport time\ntime.sleep(60)",
        "print('at work')\nwhile True: pass",
        "import asyncio\nprint('at work')\nawait asyncio.sleep(60)",
        "while True: print('at work ' * 20)",
    ],
    ids=["loop", "sleep", "busy", "await", "flood"],
)
async def test_an_interrupt_stops_the_run_and_the_next_one_works(agents: Agents, code: str):
    execution = agents.begin(code)
    await agents.printed(execution, "at work")
    waiting = agents.begin("print('next')")
    assert await agents.session.interrupt(execution)
    assert execution.state is State.INTERRUPTED
    await agents.ended(waiting)
    assert text_of(waiting) == "next\n"


async def test_an_interrupt_at_once_after_sending_is_not_lost(agents: Agents):
    for _ in range(10):
        execution = agents.begin("import time\nfor _ in range(1000): time.sleep(0.01)")
        assert await agents.session.interrupt(execution), execution.entry
        assert execution.state is State.INTERRUPTED
    assert await agents.value("1 + 1") == "2"


async def test_interrupting_the_waiting_ones_first_lets_none_of_them_run(agents: Agents):
    first = agents.begin("import time\nwhile True: time.sleep(0.01)")
    rest = [agents.begin("ran = True") for _ in range(5)]
    for execution in reversed([first, *rest]):
        assert await agents.session.interrupt(execution)
    assert [e.state for e in rest] == [State.ABORTED] * 5
    assert await agents.value("'ran' in globals()") == "False"


async def test_input_is_asked_for_and_answered(agents: Agents):
    execution = agents.begin("name = input('who? ')\nprint('hello', name)")
    await agents.watcher.until(lambda: execution.state is State.WAITING_INPUT)
    assert execution.prompt == "who? "
    await agents.session.answer_input(agents.client, execution, "Ada · 日本")
    await agents.ended(execution)
    assert text_of(execution).endswith("hello Ada · 日本\n")
    with pytest.raises(Unknown, match="does not wait for input"):
        await agents.session.answer_input(agents.client, execution, "again")


async def test_a_run_waiting_for_input_can_be_interrupted(agents: Agents):
    execution = agents.begin("input('? ')")
    await agents.watcher.until(lambda: execution.state is State.WAITING_INPUT)
    assert await agents.session.interrupt(execution)
    assert execution.state is State.INTERRUPTED
    assert await agents.value("1 + 1") == "2"


async def test_an_error_keeps_what_changed_before_it(agents: Agents):
    execution = await agents.run("kept = 1\n1/0")
    entry = execution.entry
    assert entry.state is State.ERROR
    assert entry.error is not None
    assert entry.error.ename == "ZeroDivisionError"
    assert [(c.name, c.how) for c in entry.changes] == [("kept", "new")]


async def test_asking_holds_a_run_until_the_person_answers(agents: Agents):
    agents.session.set_mode(Mode.ASK)
    first, second = agents.begin("a = 1"), agents.begin("b = 1")
    assert first.state is second.state is State.WAITING_APPROVAL
    agents.session.answer(first.entry.approval, Answer.ONCE)
    await agents.ended(first)
    assert (first.state, second.state) == (State.OK, State.WAITING_APPROVAL)
    agents.session.answer(second.entry.approval, Answer.DENY)
    assert (second.state, second.entry.reason) == (State.DENIED, "denied by you")
    with pytest.raises(Unknown):
        agents.session.answer(second.entry.approval, Answer.ONCE)
    agents.session.set_mode(Mode.FREE)
    assert await agents.value("'b' in globals()") == "False"


async def test_allowing_a_client_allows_all_of_its_runs_and_nobody_elses(agents: Agents):
    agents.session.set_mode(Mode.ASK)
    other = agents.another()
    mine, more, others = agents.begin("a = 1"), agents.begin("b = 1"), agents.begin("c = 1", other)
    agents.session.answer(mine.entry.approval, Answer.ALWAYS)
    await agents.ended(mine)
    await agents.ended(more)
    assert (await agents.run("d = 1")).state is State.OK
    assert others.state is State.WAITING_APPROVAL
    agents.session.interrupt_soon(others)
    assert (await agents.ended(others)).state is State.ABORTED


async def test_look_only_denies_what_waits_and_lets_looks_through(agents: Agents):
    agents.session.set_mode(Mode.ASK)
    asked = agents.begin("a = 1")
    agents.session.set_mode(Mode.LOOK)
    assert asked.state is State.DENIED
    with pytest.raises(Denied, match="look only"):
        agents.begin("b = 1")
    await agents.session.looks.variables()
    agents.session.set_mode(Mode.FREE)
    assert await agents.value("'a' in globals() or 'b' in globals()") == "False"


async def test_running_freely_lets_go_what_waited_for_an_answer(agents: Agents):
    agents.session.set_mode(Mode.ASK)
    asked = agents.begin("print('ran')")
    agents.session.set_mode(Mode.FREE)
    await agents.ended(asked)
    assert text_of(asked) == "ran\n"


async def test_a_pause_holds_new_runs_and_not_the_one_at_work(agents: Agents):
    running = agents.begin("input()")
    await agents.watcher.until(lambda: running.state is State.WAITING_INPUT)
    agents.session.set_paused(True)
    held = agents.begin("print('ran')")
    await agents.session.answer_input(agents.client, running, "")
    assert (await agents.ended(running)).state is State.OK
    assert (held.state, held.entry.reason) == (State.QUEUED, "paused by you")
    await agents.session.looks.variables()
    agents.session.set_paused(False)
    await agents.ended(held)
    assert text_of(held) == "ran\n"


@pytest.mark.parametrize("standing", ["asked", "paused", "running"])
async def test_closing_ends_what_stands_anywhere(
    lasting_kernel: Kernel, lasting_user: UserClient, standing: str
):
    async with agents_at(lasting_kernel.connection_file) as agents:
        await agents.settled()
        agents.session.set_mode(Mode.ASK if standing == "asked" else Mode.FREE)
        agents.session.set_paused(standing == "paused")
        execution = agents.begin("import time\nwhile True: time.sleep(0.01)")
        await asyncio.wait_for(agents.session.close("It is over."), 1.5)
        expected = State.INTERRUPTED if standing == "running" else State.ABORTED
        assert execution.state is expected
        with pytest.raises(LinkDown, match="It is over"):
            agents.begin("x = 1")
    assert await lasting_user.value("1") == "1"


async def test_a_client_that_queues_without_end_is_told_to_wait(plain_kernel: Kernel):
    async with agents_at(plain_kernel.connection_file) as agents:
        await agents.settled()
        agents.session.set_paused(True)
        waiting = [agents.begin("never = True") for _ in range(MAX_UNFINISHED)]
        with pytest.raises(BadRequest, match="not taken"):
            agents.begin("never = True")
        for execution in waiting:
            assert await agents.session.interrupt(execution)
        agents.session.set_paused(False)
        assert await agents.value("'never' in globals()") == "False"
