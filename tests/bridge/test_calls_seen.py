"""The person sees every call, and is asked before a kernel is started where they are asked before code runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cokernel.errors import CokernelError, Denied
from cokernel.server import arguments as a
from cokernel.server import tools
from cokernel.server.calls import Call
from cokernel.session.activity import Activity, Kind, State
from cokernel.session.policy import Answer, Mode
from tests.support.kernels import Kernel
from tests.support.sessions import Agents, agents_at, call_of

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "state"))


def caller(agents: Agents) -> Call:
    """A call of a client that came in through the share."""
    return call_of(agents.bridge, agents.bridge.agent_connected("share"))


def start(call: Call, environment: str | None = None) -> Awaitable[object]:
    return tools.start_kernel(
        call, a.StartKernel(name="mine", environment=environment, server=None)
    )


def seen(agents: Agents, tool: str) -> list[tuple[Kind, State, str]]:
    """The entries of a tool as they stand now."""
    last = {step.number: step for step in agents.watcher.steps if step.tool == tool}
    return [(entry.kind, entry.state, entry.code) for entry in last.values()]


async def question(agents: Agents) -> Activity:
    """The call that waits for the person."""

    def asked() -> list[Activity]:
        return [e for e in agents.session.log if e.state is State.WAITING_APPROVAL]

    await agents.watcher.until(asked)
    return asked()[0]


Action = Callable[[Call], Awaitable[object]]
ACTIONS: tuple[tuple[str, Kind, Action], ...] = (
    ("list_kernels", Kind.LOOK, lambda c: tools.list_kernels(c, a.ListKernels())),
    (
        "recent_activity",
        Kind.LOOK,
        lambda c: tools.recent_activity(c, a.RecentActivity(since=None, kernel=None)),
    ),
    ("use_kernel", Kind.CONTROL, lambda c: tools.use_kernel(c, a.UseKernel(kernel="share"))),
    ("start_kernel", Kind.CONTROL, start),
    ("stop_kernel", Kind.CONTROL, lambda c: tools.stop_kernel(c, a.StopKernel(kernel="share"))),
)


@pytest.mark.parametrize(("tool", "kind", "action"), ACTIONS, ids=[tool for tool, *_ in ACTIONS])
async def test_every_call_is_in_the_activity_of_its_kernel(
    plain_kernel: Kernel, tool: str, kind: Kind, action: Action
):
    async with agents_at(plain_kernel.connection_file) as agents:
        await action(caller(agents))
        assert [(k, state) for k, state, _ in seen(agents, tool)] == [(kind, State.OK)]


async def test_an_interrupt_and_an_answer_to_input_are_in_the_activity(plain_kernel: Kernel):
    async with agents_at(plain_kernel.connection_file) as agents:
        call = caller(agents)
        execution = agents.begin("input('? '); input('? ')", call.agent.client)
        await agents.watcher.until(lambda: execution.state is State.WAITING_INPUT)
        await tools.check_execution(
            call, a.CheckExecution(execution=execution.number, input="42", offset=None)
        )
        await agents.watcher.until(lambda: execution.state is State.WAITING_INPUT)
        await tools.interrupt_execution(call, a.InterruptExecution(execution=execution.number))
        assert seen(agents, "check_execution") == [(Kind.CONTROL, State.OK, "42")]
        named = f"execution {execution.number}"
        assert seen(agents, "interrupt_execution") == [(Kind.CONTROL, State.OK, named)]


async def test_a_call_that_fails_says_so_in_the_activity(plain_kernel: Kernel):
    async with agents_at(plain_kernel.connection_file) as agents:
        call = caller(agents)
        with pytest.raises(CokernelError):
            await tools.use_kernel(call, a.UseKernel(kernel="nobody"))
        with pytest.raises(Denied):
            await tools.stop_kernel(call, a.StopKernel(kernel="share", restart=True))
        assert seen(agents, "use_kernel") == [(Kind.CONTROL, State.FAILED, "nobody")]
        assert seen(agents, "stop_kernel") == [(Kind.CONTROL, State.DENIED, "share, restart")]


def program_that_leaves(trace: Path) -> str:
    """A program that an agent could name as an interpreter."""
    program = trace.parent / "python"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("way", ["start_kernel", "use_kernel"])
async def test_look_only_starts_no_program(plain_kernel: Kernel, tmp_path: Path, way: str):
    trace = tmp_path / "ran"
    async with agents_at(plain_kernel.connection_file, mode=Mode.LOOK) as agents:
        call = caller(agents)
        ways: dict[str, Action] = {
            "start_kernel": lambda c: start(c, program_that_leaves(trace)),
            "use_kernel": lambda c: tools.use_kernel(c, a.UseKernel(kernel="new")),
        }
        with pytest.raises(Denied, match="look only"):
            await ways[way](call)
        assert [state for _, state, _ in seen(agents, way)] == [State.DENIED]
        assert len(agents.bridge.sessions) == 1
    assert not trace.exists()


async def test_ask_me_asks_before_a_program_is_started_and_no_means_no(
    plain_kernel: Kernel, tmp_path: Path
):
    trace = tmp_path / "ran"
    program = program_that_leaves(trace)
    async with agents_at(plain_kernel.connection_file, mode=Mode.ASK) as agents:
        starting = asyncio.ensure_future(start(caller(agents), program))
        asked = await question(agents)
        assert (asked.tool, asked.code, asked.started_at) == ("start_kernel", program, None)
        agents.session.answer(asked.approval, Answer.DENY)
        with pytest.raises(Denied, match="No kernel was started"):
            await starting
        assert seen(agents, "start_kernel") == [(Kind.CONTROL, State.DENIED, program)]
    assert not trace.exists()


@pytest.mark.parametrize("answer", [Answer.ONCE, Answer.ALWAYS, Mode.FREE])
async def test_ask_me_starts_a_kernel_once_the_person_lets_it(
    plain_kernel: Kernel, answer: Answer | Mode
):
    async with agents_at(plain_kernel.connection_file, mode=Mode.ASK) as agents:
        call = caller(agents)
        starting = asyncio.ensure_future(start(call, sys.executable))
        asked = await question(agents)
        if isinstance(answer, Mode):
            agents.session.set_mode(answer)
        else:
            agents.session.answer(asked.approval, answer)
        await starting
        started = await agents.bridge.session_for(call.agent)
        assert (started.title, started.owned) == ("mine", True)


@pytest.mark.parametrize("how", ["the mode", "unsharing", "its client"])
async def test_a_question_that_nobody_will_answer_ends(plain_kernel: Kernel, how: str):
    async with agents_at(plain_kernel.connection_file, mode=Mode.ASK) as agents:
        starting = asyncio.ensure_future(start(caller(agents)))
        asked = await question(agents)
        if how == "the mode":
            agents.session.set_mode(Mode.LOOK)
        elif how == "unsharing":
            await agents.session.close("It is not shared any more.")
        else:
            starting.cancel()
        expected = asyncio.CancelledError if how == "its client" else Denied
        with pytest.raises(expected):
            await asyncio.wait_for(starting, 20)
        assert not agents.session.approvals.knows(asked.approval)
        state = State.INTERRUPTED if how == "its client" else State.DENIED
        assert [s for _, s, _ in seen(agents, "start_kernel")] == [state]
        assert len(agents.bridge.sessions) == 1
