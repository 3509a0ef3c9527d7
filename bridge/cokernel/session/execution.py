"""One run of an agent's code: its state, its outputs, and who waits for it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any, NamedTuple

from cokernel.kernel.outputs import OutputBuffer
from cokernel.session.activity import Activity, Change, ErrorSummary, Kind, Origin, Sequence, State
from cokernel.session.outcomes import Outcome


class Client(NamedTuple):
    """An agent that is connected to the bridge."""

    client_id: str
    name: str
    """Its own name from the protocol: `Claude Code`."""


class Execution:
    """Changed by the `Runs` of its kernel alone. Others read `entry` and `outputs`, and wait."""

    def __init__(
        self,
        *,
        client: Client,
        code: str,
        kernel_id: str,
        kernel: str,
        sequence: Sequence,
        background: bool,
    ) -> None:
        self.client = client
        self.outputs = OutputBuffer()
        self.msg_id = ""
        """Set when it is sent to the kernel."""
        self.prompt = ""
        """What `input()` shows, while it waits."""
        self.was_allowed = False
        """Whether the person was asked, and said yes."""
        self.hides_input = False
        """Whether it asks for a password."""
        self.input_parent: dict[str, Any] = {}
        self.reply: dict[str, Any] | None = None
        self.idle_seen = False
        self.error_published = False
        self.interrupt_wanted = False
        self.outcome: Outcome | None = None
        """How it ended, from the moment that the kernel has said so."""
        self._done = asyncio.Event()
        self._pausing = asyncio.Event()
        self.entry = Activity(
            number=sequence.next_entry(),
            origin=Origin.AGENT,
            kind=Kind.RUN,
            state=State.QUEUED,
            client_id=client.client_id,
            client=client.name,
            kernel_id=kernel_id,
            kernel=kernel,
            tool="execute_code",
            code=code,
            created_at=time.time(),
            execution=sequence.next_execution(),
            background=background,
        )

    @property
    def number(self) -> int:
        """What agents name it by: `execution 7`."""
        assert self.entry.execution is not None
        return self.entry.execution

    @property
    def state(self) -> State:
        return self.entry.state

    @property
    def is_sent(self) -> bool:
        """Whether the kernel has it."""
        return bool(self.msg_id)

    def step(
        self,
        state: State,
        *,
        reason: str = "",
        approval: str = "",
        error: ErrorSummary | None = None,
        changes: tuple[Change, ...] = (),
        execution_count: int | None = None,
    ) -> Activity:
        """Go to `state`; the new entry. A final state wakes whoever waits, and is the last one."""
        if self.entry.state.is_final:
            return self.entry
        now = time.time()
        started = self.entry.started_at
        if started is None and state is State.RUNNING:
            started = now
        if state is State.ABORTED:
            started = None  # the kernel says `busy` also for what it throws away
        self.entry = replace(
            self.entry,
            state=state,
            reason=reason,
            approval=approval,
            error=error,
            changes=changes,
            started_at=started,
            finished_at=now if state.is_final else None,
            execution_count=self.entry.execution_count
            if execution_count is None
            else execution_count,
        )
        if state.is_final:
            self._done.set()
        if state.is_final or state is State.WAITING_INPUT:
            self._pausing.set()
        else:
            self._pausing.clear()
        return self.entry

    async def wait(self, timeout_s: float | None) -> bool:
        """Wait for a final state; whether it came in time."""
        try:
            await asyncio.wait_for(self._done.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True

    async def wait_for_pause(self, timeout_s: float) -> bool:
        """Wait until it has ended or waits for input; whether it does."""
        try:
            await asyncio.wait_for(self._pausing.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True
