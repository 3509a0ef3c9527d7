"""A bridge in this process with one kernel attached, and what it tells its host."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from cokernel import shares
from cokernel.kernel.link import LinkState
from cokernel.kernel.outputtypes import StreamOutput
from cokernel.server.calls import Call
from cokernel.server.neighbours import other_kernels
from cokernel.session.activity import Activity, Origin, State
from cokernel.session.agents import Agent
from cokernel.session.bridge import Bridge
from cokernel.session.execution import Client, Execution
from cokernel.session.policy import Mode
from cokernel.session.session import Session

END_S = 8.0
"""Within 5 s every call has its outcome; the machine that runs the tests may be busy.

Measured on a busy machine with two cores, the slowest of 15 (five moments in each of three kernels): killed 0.20 s,
restarted 0.13 s, shut down 0.06 s, unshared 0.60 s, stopped 3.84 s, connection half-open 3.84 s.
"""
PATIENCE_S = 40.0


class Watcher:
    """A `BridgeObserver` that keeps all it is told."""

    def __init__(self) -> None:
        self.steps: list[Activity] = []
        self.states: list[tuple[LinkState, str]] = []
        self._news = asyncio.Event()

    def activity_changed(self, session: Session, entry: Activity) -> None:
        self.steps.append(entry)
        self._news.set()

    def outputs_changed(self, session: Session, number: int) -> None:
        self._news.set()

    def link_changed(self, session: Session, state: LinkState, detail: str) -> None:
        self.states.append((state, detail))
        self._news.set()

    def agents_changed(self) -> None: ...

    async def until(self, condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        """Wait until something that was told makes `condition` true."""

        async def wait() -> None:
            while not condition():
                self._news.clear()
                await self._news.wait()

        try:
            await asyncio.wait_for(wait(), timeout_s)
        except asyncio.TimeoutError:
            raise AssertionError(
                f"waited {timeout_s:g} s in vain; saw {self.states} and "
                f"{[(s.number, s.origin.value, s.state.value, s.reason) for s in self.steps[-12:]]}"
            ) from None

    def users_cells(self) -> list[Activity]:
        """The last step of each cell of the user, in order."""
        last = {s.number: s for s in self.steps if s.origin is Origin.USER}
        return [last[number] for number in sorted(last)]


class Agents:
    """Agents at one kernel, as the tools drive it."""

    def __init__(self, bridge: Bridge, session: Session, watcher: Watcher) -> None:
        self.bridge = bridge
        self.session = session
        self.watcher = watcher
        self.client = Client("c1", "Claude Code")
        self._clients = itertools.count(2)

    def another(self) -> Client:
        return Client(f"c{next(self._clients)}", "Cursor")

    def begin(self, code: str, client: Client | None = None) -> Execution:
        return self.session.submit(client or self.client, code)

    async def run(self, code: str, client: Client | None = None) -> Execution:
        """Run to the end, whatever it is."""
        execution = self.begin(code, client)
        await self.ended(execution, PATIENCE_S)
        return execution

    async def value(self, expression: str) -> str:
        """The repr of an expression."""
        execution = await self.run(f"print(repr({expression}))")
        assert execution.state is State.OK, execution.entry
        return text_of(execution).rstrip("\n")

    async def ended(self, execution: Execution, timeout_s: float = END_S) -> Activity:
        """Wait for the outcome, which must come in time."""
        assert await execution.wait(timeout_s), f"no outcome in {timeout_s:g} s: {execution.entry}"
        return execution.entry

    async def began(self, execution: Execution) -> None:
        await self.watcher.until(lambda: execution.state is not State.QUEUED)
        assert execution.state is State.RUNNING, execution.entry

    async def printed(self, execution: Execution, text: str) -> None:
        await self.watcher.until(lambda: text in text_of(execution))

    async def settled(self) -> None:
        """Wait until looks work: the helper is in the kernel."""
        await self.run("pass")


def call_of(bridge: Bridge, agent: Agent, switched: list[str] | None = None) -> Call:
    """A tools/call of `agent`; where the front is sent to is kept in `switched`."""

    async def no_progress(seconds: float, message: str) -> None: ...

    switch = (switched if switched is not None else []).append
    return Call(bridge, agent, no_progress, switch, lambda: other_kernels(bridge))


def share_elsewhere(connection_file: Path, mode: Mode = Mode.LOOK) -> str:
    """Another bridge shares this kernel; the id of that share."""
    shares.publish(
        shares.describe(
            "spyder-1",
            ide="Spyder",
            title="Console 1/A",
            mode=mode.value,
            endpoint=shares.Endpoint("unix", "/nowhere"),
            token=shares.new_token(),
            connection_file=str(connection_file),
        )
    )
    return "spyder-1"


def text_of(execution: Execution) -> str:
    """What it printed."""
    outputs = execution.outputs.snapshot()
    return "".join(o.text for o in outputs if isinstance(o, StreamOutput))


@contextlib.asynccontextmanager
async def agents_at(
    connection_file: Path, *, mode: Mode = Mode.FREE, pid: int | None = None, **changed: Any
) -> AsyncIterator[Agents]:
    """Agents at the kernel of a connection file; `changed` are other values for what the file says."""
    watcher = Watcher()
    bridge = Bridge(place="Test", observer=watcher, mode=mode)
    try:
        session = await bridge.attach(
            {**json.loads(connection_file.read_text()), **changed},
            connection_file=str(connection_file),
            title="Console 1/A",
            kernel_id="share",
            pid=pid,
        )
        yield Agents(bridge, session, watcher)
    finally:
        await bridge.close("The test ended.")
