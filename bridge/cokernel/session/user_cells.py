"""The user's cells, as iopub tells of them: what runs now, and what ran."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from cokernel.errors import LinkDown
from cokernel.kernel.link import Channel, KernelLink, Message
from cokernel.session.activity import Activity, ErrorSummary, Kind, Origin, Sequence, State
from cokernel.session.outcomes import error_summary

MAX_CODE_CHARS = 2_000_000
"""Of one cell in the log, as many as an agent may run; the kernel has it whole."""


@dataclass(slots=True)
class _Cell:
    since: float
    entry: Activity | None = None
    """None for a silent execution: it has no code that anybody typed."""
    error: ErrorSummary | None = None


class UserCells:
    """What runs in a kernel for other clients than us. Owned by one `Session`."""

    def __init__(
        self,
        link: KernelLink,
        *,
        kernel_id: str,
        kernel: str,
        sequence: Sequence,
        record: Callable[[Activity], None],
    ) -> None:
        self._link = link
        self._kernel_id = kernel_id
        self.kernel = kernel
        self._sequence = sequence
        self._record = record
        self._running: dict[str, _Cell] = {}
        self._mark = ""
        """msg_id of a harmless request that waits in the kernel's queue behind the cells of the user."""

    @property
    def busy_since(self) -> float | None:
        """When the cell that runs now began, in seconds since the epoch; None if none runs."""
        return next((cell.since for cell in self._running.values()), None)

    def message(self, message: Message) -> None:
        """Take in one iopub message that another client's `execute_request` caused."""
        if message.parent_type != "execute_request":
            return
        if message.msg_type == "status":
            self._status(message)
        elif message.msg_type == "execute_input":
            self._began(message)
        elif message.msg_type == "error":
            self._raised(message)

    def expect_end(self) -> None:
        """Make sure that the end of what runs now will be seen.

        An `idle` can be lost, and agents would wait for it for ever. The kernel takes requests in their order: once it
        is at this one, the cells before it have ended.
        """
        if self._mark or not self._running:
            return
        with contextlib.suppress(LinkDown):  # then the link tells what became of the cell
            self._mark = self._link.send(Channel.SHELL, "kernel_info_request", {})

    def own_message(self, message: Message) -> None:
        """Take in a message that a request of ours caused."""
        if message.channel is Channel.IOPUB and self._mark and message.parent_id == self._mark:
            self._mark = ""
            self._end_all(State.OK, "")

    def lose(self, state: State, reason: str) -> None:
        """The kernel restarted or went away: whatever ran has ended."""
        self._mark = ""
        self._end_all(state, reason)

    def _end_all(self, state: State, reason: str) -> None:
        for msg_id in list(self._running):
            self._end(msg_id, state, reason)

    def _status(self, message: Message) -> None:
        state = message.content.get("execution_state")
        if state == "busy":
            # The kernel runs one at a time: a new one means that an `idle` was lost.
            self._end_all(State.OK, "")
            self._running[message.parent_id] = _Cell(since=time.time())
        elif state == "idle":
            self._end(message.parent_id, State.OK, "")

    def _began(self, message: Message) -> None:
        cell = self._running.setdefault(message.parent_id, _Cell(since=time.time()))
        count = message.content.get("execution_count")
        cell.entry = Activity(
            number=self._sequence.next_entry(),
            origin=Origin.USER,
            kind=Kind.RUN,
            state=State.RUNNING,
            client_id="",
            client="you",
            kernel_id=self._kernel_id,
            kernel=self.kernel,
            tool="",
            code=str(message.content.get("code", ""))[:MAX_CODE_CHARS],
            created_at=cell.since,
            started_at=cell.since,
            execution_count=count if isinstance(count, int) else None,
        )
        self._record(cell.entry)

    def _raised(self, message: Message) -> None:
        cell = self._running.get(message.parent_id)
        if cell is not None:
            cell.error = error_summary(message.content)

    def _end(self, msg_id: str, state: State, reason: str) -> None:
        cell = self._running.pop(msg_id, None)
        if cell is None or cell.entry is None:
            return
        if cell.error is not None and state is State.OK:
            interrupted = cell.error.ename == "KeyboardInterrupt"
            state = State.INTERRUPTED if interrupted else State.ERROR
        self._record(
            replace(
                cell.entry, state=state, reason=reason, error=cell.error, finished_at=time.time()
            )
        )
