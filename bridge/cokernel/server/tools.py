"""The tool table: what agents can do, each with exactly one capability. Each handler's docstring is its description.

Runs follow the mode of their kernel (`Session.submit` decides), and so does the start of a kernel (`permit_start`).
Every call is in the activity log, so that people see it: runs by themselves, all others through `Session.calls`. Only
`check_execution` without input leaves no entry: it changes nothing and sees nothing but a run that has one.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cokernel.errors import Unsupported
from cokernel.server import arguments as a
from cokernel.server import kernels, text
from cokernel.server.calls import Call
from cokernel.server.render import Budget, Rendered, render_page, render_result, wants_thread
from cokernel.session.activity import Kind
from cokernel.session.execution import Execution
from cokernel.session.policy import Capability
from cokernel.session.session import Session

PROGRESS_EVERY_S = 1.0
BUDGET = Budget()

A = TypeVar("A", bound=a.Arguments)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """One row of the table."""

    name: str
    title: str
    capability: Capability
    arguments: type[A]
    handler: Callable[[Call, A], Awaitable[Rendered]]
    always_loaded: bool = False
    destructive: bool = False

    @property
    def description(self) -> str:
        return (self.handler.__doc__ or "").strip()

    @property
    def read_only(self) -> bool:
        return self.capability is Capability.LOOK

    async def run(self, call: Call, arguments: a.Arguments) -> Rendered:
        assert isinstance(arguments, self.arguments)
        return await self.handler(call, arguments)


# -- runs


async def execute_code(call: Call, args: a.ExecuteCode) -> Rendered:
    """Run code in the live kernel. Returns text, images and what changed; after timeout_s the code runs on."""
    session = await call.bridge.session_for(call.agent, args.kernel)
    execution = session.submit(call.agent.client, args.code, background=args.background)
    call.bridge.agent_ran(call.agent)
    if not args.background:
        try:
            await _follow(call, execution, args.timeout_s)
        except asyncio.CancelledError:
            # Whoever cancels the call wants the run to stop, not only the waiting.
            session.interrupt_soon(execution)
            raise
    return await _result_of(call, session, execution)


async def check_execution(call: Call, args: a.CheckExecution) -> Rendered:
    """Follow a run: output since the last check or from an offset, wait for its end, answer its input()."""
    session, execution = call.bridge.find_execution(args.execution)
    if args.input is not None:
        await call.bridge.shared_meanwhile(session)
        await session.answer_input(call.agent.client, execution, args.input)
    if args.wait_s:
        await _follow(call, execution, args.wait_s)
    offset = args.offset
    if offset is None:
        offset = call.agent.seen.get(execution.number, 0)
    page = execution.outputs.page(offset, BUDGET.chars)
    call.agent.seen[execution.number] = page.next_offset
    render = functools.partial(
        render_page, execution.entry, page, kernel_label=session.label, budget=BUDGET
    )
    return await asyncio.to_thread(render) if wants_thread(page.images) else render()


async def interrupt_execution(call: Call, args: a.InterruptExecution) -> Rendered:
    """Stop a run of an agent; the user's own cells cannot be interrupted."""
    session, execution = call.bridge.find_execution(args.execution)
    was_final = execution.state.is_final
    named = f"execution {execution.number}"
    with session.calls.begin(call.agent.client, "interrupt_execution", named, Kind.CONTROL):
        ended = await session.interrupt(execution)
    if ended:
        return await _result_of(call, session, execution, note="It had already ended." * was_final)
    return Rendered(
        f"{session.label} · execution {execution.number}: the interrupt was sent; C code has not given way "
        f"yet. check_execution(execution={execution.number}) follows it."
    )


async def _follow(call: Call, execution: Execution, timeout_s: float) -> None:
    begun = time.monotonic()
    while (left := begun + timeout_s - time.monotonic()) > 0 or call.in_background():
        wait_s = min(PROGRESS_EVERY_S, left) if left > 0 else PROGRESS_EVERY_S
        if await execution.wait_for_pause(wait_s):
            return
        await call.report_progress(time.monotonic() - begun, text.progress_line(execution))


async def _result_of(
    call: Call, session: Session, execution: Execution, *, note: str = ""
) -> Rendered:
    output = execution.outputs.excerpt(BUDGET.chars)
    call.agent.seen[execution.number] = output.total
    render = functools.partial(
        render_result, execution.entry, output, kernel_label=session.label, budget=BUDGET
    )
    rendered = await asyncio.to_thread(render) if wants_thread(output.images) else render()
    return rendered._replace(text=f"{rendered.text}\n{note}") if note else rendered


# -- looks


async def list_variables(call: Call, args: a.ListVariables) -> Rendered:
    """Names, types, shapes, sizes and previews of the kernel's variables; also while it is busy."""
    session = await call.bridge.session_for(call.agent, args.kernel)
    with session.calls.begin(call.agent.client, "list_variables", args.pattern or "", Kind.LOOK):
        listing = await session.looks.variables(pattern=args.pattern)
        return Rendered(text.variables(session, listing))


async def inspect(call: Call, args: a.Inspect) -> Rendered:
    """One variable, attribute or item: schema, statistics, head, docs, source. Runs no code."""
    session = await call.bridge.session_for(call.agent, args.kernel)
    with session.calls.begin(call.agent.client, "inspect", args.expression, Kind.LOOK):
        description = await session.looks.describe(args.expression)
        return Rendered(text.description(session, description))


async def recent_activity(call: Call, args: a.RecentActivity) -> Rendered:
    """What the user and agents ran since a cursor, what runs now and where, which names changed."""
    session = await call.bridge.session_for(call.agent, args.kernel)
    seen = call.agent.activity_seen
    since = seen.get(session.kernel_id, 0) if args.since is None else args.since
    with session.calls.begin(call.agent.client, "recent_activity", "", Kind.LOOK):
        page = session.log.since(since)
        running = await session.looks.running()
        changes = await session.looks.changes_since_last()
    seen[session.kernel_id] = page.cursor
    return Rendered(text.activity(session, page, running, changes))


async def list_kernels(call: Call, _: a.ListKernels) -> Rendered:
    """Shared and started kernels, and other Jupyter kernels running here."""
    with kernels.seen_at_place(call, "list_kernels", "", Kind.LOOK):
        others = await asyncio.to_thread(call.others)
    return Rendered(kernels.table(call, others))


# -- control


async def use_kernel(call: Call, args: a.UseKernel) -> Rendered:
    """Work in another kernel from now on; variables stay where they are."""
    with kernels.seen_at_place(call, "use_kernel", args.kernel, Kind.CONTROL) as seen:
        return Rendered(await kernels.use(call, args.kernel, seen))


async def start_kernel(call: Call, args: a.StartKernel) -> Rendered:
    """Start a fresh kernel and work in it; it ends when this bridge ends."""
    if args.server:
        raise Unsupported(
            "Kernels on a Jupyter Server are not supported yet.",
            "Leave `server` out to start one here.",
        )
    environment = args.environment or "cokernel's own Python"
    with kernels.seen_at_place(call, "start_kernel", environment, Kind.CONTROL) as seen:
        await kernels.permit_start(call, seen)
        session = await call.bridge.start_kernel(
            title=args.name or "", environment=args.environment
        )
    call.agent.choose(session.kernel_id)
    return Rendered(text.started(session))


async def stop_kernel(call: Call, args: a.StopKernel) -> Rendered:
    """Restart or end a kernel that start_kernel made; leave a shared one."""
    return Rendered(await kernels.stop(call, args.kernel, restart=args.restart))


TOOLS: tuple[Tool[Any], ...] = (
    Tool("execute_code", "Run code", Capability.RUN, a.ExecuteCode, execute_code, True, True),
    Tool(
        "check_execution",
        "Follow a run",
        Capability.CONTROL,
        a.CheckExecution,
        check_execution,
        True,
    ),
    Tool(
        "interrupt_execution",
        "Stop a run",
        Capability.CONTROL,
        a.InterruptExecution,
        interrupt_execution,
    ),
    Tool("list_variables", "Variables", Capability.LOOK, a.ListVariables, list_variables, True),
    Tool("inspect", "Look at one", Capability.LOOK, a.Inspect, inspect, True),
    Tool("recent_activity", "What happened", Capability.LOOK, a.RecentActivity, recent_activity),
    Tool("list_kernels", "Kernels", Capability.LOOK, a.ListKernels, list_kernels, True),
    Tool("use_kernel", "Change kernel", Capability.CONTROL, a.UseKernel, use_kernel),
    Tool("start_kernel", "Start a kernel", Capability.RUN, a.StartKernel, start_kernel),
    Tool("stop_kernel", "End a kernel", Capability.CONTROL, a.StopKernel, stop_kernel, False, True),
)
"""Everything that tools/list offers."""
