"""The looks and control calls of agents in one kernel: each is in the activity log from its beginning to its end.

Runs record themselves (`runs`). A call here that would start something (a kernel) follows the mode as a run does: it
asks for permission first, and the person answers as they answer a run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any

from cokernel.errors import CokernelError, Denied
from cokernel.session.activity import Activity, Kind, Origin, Sequence, State
from cokernel.session.approvals import Approvals, Waiting
from cokernel.session.execution import Client
from cokernel.session.policy import Capability, Decision, Mode, decide


class Calls:
    """Owned by one `Session`."""

    def __init__(
        self,
        *,
        kernel_id: str,
        sequence: Sequence,
        approvals: Approvals,
        title: Callable[[], str],
        mode: Callable[[], Mode],
        record: Callable[[Activity], None],
    ) -> None:
        """`title` and `mode` are those of now; `record` gets each step of each call."""
        self.kernel_id = kernel_id
        self.sequence = sequence
        self.approvals = approvals
        self.title = title
        self.mode = mode
        self.record = record

    def begin(self, client: Client, tool: str, argument: str, kind: Kind) -> RecordedCall:
        """Record that a call begins. `with calls.begin(…):` records how it ends, too."""
        now = time.time()
        entry = Activity(
            number=self.sequence.next_entry(),
            origin=Origin.AGENT,
            kind=kind,
            state=State.RUNNING,
            client_id=client.client_id,
            client=client.name,
            kernel_id=self.kernel_id,
            kernel=self.title(),
            tool=tool,
            code=argument,
            created_at=now,
            started_at=now,
        )
        self.record(entry)
        return RecordedCall(self, entry)


class RecordedCall:
    """One call that goes on. Ends as `ok`, `denied`, `interrupted` (its client took it back) or `failed`."""

    def __init__(self, calls: Calls, entry: Activity) -> None:
        self._calls = calls
        self._entry = entry

    def __enter__(self) -> RecordedCall:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        reason = str(error) if isinstance(error, CokernelError) else ""
        self._step(state=_how_it_ended(error), reason=reason, approval="", finished_at=time.time())

    async def permit(self, nothing: str) -> None:
        """Return once this client may do what runs programs; `nothing` says what did not happen otherwise.

        Raises
        ------
        Denied
            the mode or the person said no, or the share ended before they answered.
        """
        calls = self._calls
        decision = decide(
            calls.mode(), Capability.RUN, self._entry.client_id, calls.approvals.grants
        )
        if decision is Decision.DENY:
            raise Denied(
                f"{calls.title()} is shared to look only. {nothing}",
                "The user can choose Run freely or Ask me.",
            )
        if decision is Decision.ASK:
            await self._ask(nothing)

    async def _ask(self, nothing: str) -> None:
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def settle(refusal: str) -> None:
            if not answered.done():
                answered.set_result(refusal)

        approval = self._calls.approvals.ask(
            Waiting(
                self._entry.client_id,
                go_on=lambda _: settle(""),
                end=lambda _, reason: settle(reason),
            )
        )
        self._step(
            state=State.WAITING_APPROVAL,
            reason="waiting for you",
            approval=approval,
            started_at=None,
        )
        try:
            refusal = await answered
        finally:
            self._calls.approvals.withdraw(approval)
        if refusal:
            raise Denied(f"The user was asked, and it ended so: {refusal}. {nothing}")
        self._step(state=State.RUNNING, reason="", approval="", started_at=time.time())

    def _step(self, **changed: Any) -> None:
        self._entry = replace(self._entry, **changed)
        self._calls.record(self._entry)


def _how_it_ended(error: BaseException | None) -> State:
    if error is None:
        return State.OK
    if isinstance(error, Denied):
        return State.DENIED
    if isinstance(error, asyncio.CancelledError):
        return State.INTERRUPTED
    return State.FAILED
