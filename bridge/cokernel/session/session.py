"""`Session`: one kernel as agents and people use it together.

The facade of this package for one kernel. It decides what may run (`policy`, `approvals`), lets the runs wait for the
user's cells (`runs`, `user_cells`), gives the looks (`looks`), and keeps the record of it all (`calls`, `activity`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from typing import Protocol

from cokernel.errors import CokernelError, Denied, LinkDown
from cokernel.kernel.link import Channel, KernelLink, LinkState, Message
from cokernel.session.activity import Activity, ActivityLog, Kind, Sequence, State
from cokernel.session.approvals import Approvals, Waiting
from cokernel.session.attachment import Attachment, unreachable
from cokernel.session.calls import Calls
from cokernel.session.execution import Client, Execution
from cokernel.session.looks import Looks
from cokernel.session.policy import Answer, Capability, Decision, Mode, decide
from cokernel.session.runs import Runs, ends_as
from cokernel.session.user_cells import UserCells

log = logging.getLogger(__name__)

STOP_GRACE_S = 0.6
LEAVE_GRACE_S = 0.3
"""Together within the second in which sharing has to stop."""
ARRIVAL_GRACE_S = 0.3
"""How long a helper that is on its way into an idle kernel may take, so that it is out again when sharing has ended."""


class SessionObserver(Protocol):
    """Who is told what happens in a session. Called in the event loop; must not block nor raise."""

    def activity_changed(self, session: Session, entry: Activity) -> None: ...

    def outputs_changed(self, session: Session, number: int) -> None: ...

    def link_changed(self, session: Session, state: LinkState, detail: str) -> None: ...


class Session:
    """One kernel, the agents' runs in it, and what the user does there."""

    def __init__(
        self,
        link: KernelLink,
        *,
        kernel_id: str,
        title: str,
        place: str,
        owned: bool,
        mode: Mode,
        sequence: Sequence,
        observer: SessionObserver,
    ) -> None:
        """`link` is connected; `title` and `place` are what people call it (`Console 1/A`, `Spyder`)."""
        self.link = link
        self.kernel_id = kernel_id
        self.place = place
        self.owned = owned
        self.mode = mode
        self.paused = False
        self.approvals = Approvals()
        self.log = ActivityLog(sequence, functools.partial(observer.activity_changed, self))
        self._title = title
        self._sequence = sequence
        self._observer = observer
        self.calls = self._record_of_calls()
        self._user = UserCells(
            link, kernel_id=kernel_id, kernel=title, sequence=sequence, record=self.log.put
        )
        self._attachment = Attachment(link, self._settled)
        self.looks = self._ways_to_look()
        self._runs = Runs(
            link,
            self._attachment.helper,
            owned=owned,
            hold=self._why_held,
            record=self.log.put,
            printed=functools.partial(observer.outputs_changed, self),
        )
        self._closed_because = ""
        self._closing: asyncio.Task[None] | None = None
        self._up_waiters: set[asyncio.Event] = set()
        self._maybe_false_alarm = False
        self._seeing_helper_off: asyncio.Task[None] | None = None
        link.observe(self)
        self._attachment.settle()

    def _record_of_calls(self) -> Calls:
        return Calls(
            kernel_id=self.kernel_id,
            sequence=self._sequence,
            approvals=self.approvals,
            title=lambda: self._title,
            mode=lambda: self.mode,
            record=self.log.put,
        )

    def _ways_to_look(self) -> Looks:
        return Looks(
            self.link,
            self._attachment.helper,
            title=lambda: self._title,
            check=self._check_open,
            settled_within=self._attachment.settled_within,
            refusal=lambda: self._attachment.refusal,
        )

    # -- what it is

    @property
    def title(self) -> str:
        return self._title

    @title.setter
    def title(self, title: str) -> None:
        self._title = title
        self._user.kernel = title

    @property
    def label(self) -> str:
        """What every result is headed by: `Console 1/A · Spyder`."""
        return f"{self._title} · {self.place}" if self.place else self._title

    @property
    def is_closed(self) -> bool:
        return bool(self._closed_because)

    @property
    def user_busy_since(self) -> float | None:
        """When the user's cell that runs now began, in seconds since the epoch; None if none runs."""
        return self._user.busy_since

    @property
    def unfinished(self) -> list[Execution]:
        """Runs of agents that have no outcome yet, in their order."""
        return self._runs.kept.unfinished

    def find_execution(self, number: int) -> Execution | None:
        """The run that agents call `execution <number>`; None if it is none of this kernel's, or too long ago."""
        return self._runs.kept.find(number)

    def by_entry(self, number: int) -> Execution | None:
        """The run behind an entry of the activity log."""
        return self._runs.kept.by_entry(number)

    # -- runs

    def submit(self, client: Client, code: str, *, background: bool = False) -> Execution:
        """Take a run: it waits for approval, for its turn, or goes to the kernel at once.

        Raises
        ------
        Denied
            the mode does not let agents run code. It is in the activity log all the same.
        LinkDown
            the kernel cannot be reached.
        BadRequest
            too many runs wait already.
        """
        self._check_open()
        self._runs.kept.check_room()
        execution = Execution(
            client=client,
            code=code,
            kernel_id=self.kernel_id,
            kernel=self._title,
            sequence=self._sequence,
            background=background,
        )
        self._runs.kept.add(execution)
        decision = decide(self.mode, Capability.RUN, client.client_id, self.approvals.grants)
        if decision is Decision.DENY:
            self._runs.end(execution, State.DENIED, "Look only")
            raise Denied(
                f"{self._title} is shared to look only, so no code was run.",
                "list_variables and inspect work; the user can choose Run freely or Ask me.",
            )
        if decision is Decision.ASK:
            self._ask(execution)
        else:
            self._enqueue(execution)
        return execution

    def _ask(self, execution: Execution) -> None:
        approval = self.approvals.ask(
            Waiting(
                execution.client.client_id,
                go_on=functools.partial(self._allowed, execution),
                end=functools.partial(self._runs.end, execution),
            )
        )
        self._runs.step(execution, State.WAITING_APPROVAL, "waiting for you", approval=approval)

    def answer(self, approval: str, answer: Answer) -> None:
        """The person's word on what waits for it.

        Raises
        ------
        Unknown
            nothing waits under this id any more.
        """
        self.approvals.answer(approval, answer)

    def _allowed(self, execution: Execution, by_person: bool) -> None:
        execution.was_allowed |= by_person
        self._enqueue(execution)

    def take_over(self, before: Session) -> None:
        """Stand where `before` stood: in its mode and pause of now, with what the person has allowed so far."""
        self.mode = before.mode
        self.paused = before.paused
        self.approvals.grants = before.approvals.grants

    def set_mode(self, mode: Mode) -> None:
        """What has not begun is decided anew: `FREE` lets it run, `ASK` asks, `LOOK` denies it."""
        self.mode = mode
        if mode is Mode.FREE:
            self.approvals.allow_all()
        elif mode is Mode.ASK:
            for execution in self._runs.take_queued(self.approvals.must_ask):
                self._ask(execution)
        else:
            self._runs.drop_queued(State.DENIED, "Look only")
            self.approvals.end_all(State.DENIED, "Look only")

    def take_no_more(self, reason: str) -> None:
        """From now on every call is refused, and what has not begun never does; what runs goes on."""
        self._closed_because = reason
        self._runs.drop_queued(State.ABORTED, reason)
        self.approvals.end_all(State.ABORTED, reason)

    def set_paused(self, paused: bool) -> None:
        """While paused no new run begins; what runs goes on."""
        self.paused = paused
        self._runs.go_on()
        self._runs.explain_waiting()

    async def interrupt(self, execution: Execution) -> bool:
        """Stop an agent's own run, wherever it stands; whether it has ended by now. The user's cells are never touched.

        Raises
        ------
        Unsupported
            nothing guarantees that an interrupt would hit this run and not a cell of the user.
        """
        self.approvals.withdraw(execution.entry.approval)
        return await self._runs.interrupt(execution)

    def interrupt_soon(self, execution: Execution) -> None:
        """The same without waiting for it: for a caller that is being cancelled itself."""
        self.approvals.withdraw(execution.entry.approval)
        self._runs.interrupt_soon(execution)

    async def answer_input(self, client: Client, execution: Execution, text: str) -> None:
        """Give `input()` its line. It may be code (a debugger, `exec(input())`), so the mode holds as for a run.

        Raises
        ------
        Denied
            the mode or the person said no.
        Unknown
            the run does not wait for input.
        LinkDown
            the kernel cannot be reached.
        """
        self._check_open()
        shown = "(hidden)" if execution.hides_input else text
        with self.calls.begin(client, "check_execution", shown, Kind.CONTROL) as call:
            await call.permit("Nothing was typed; interrupt_execution stops the run.")
            self._runs.answer_input(execution, text)

    def _enqueue(self, execution: Execution) -> None:
        self._runs.enqueue(execution)
        if self._runs.are_waiting:
            self._user.expect_end()

    def _why_held(self) -> str:
        if self.paused:
            return "paused by you"
        if self.link.state is not LinkState.UP:
            return "waiting for the kernel"
        if self._user.busy_since is not None or not self._attachment.is_settled:
            return "queued behind your cell"
        return ""

    # -- what the kernel says (LinkObserver)

    def message_arrived(self, message: Message) -> None:
        if self._seeing_helper_off is not None:
            return
        if message.parent_session == self.link.session_id:
            self._user.own_message(message)
            self._runs.message(message)
        elif message.channel is Channel.IOPUB:
            self._user.message(message)
        if message.msg_type == "status" and self._runs.are_waiting:
            self._let_wait()

    def state_changed(self, state: LinkState, detail: str) -> None:
        end = ends_as(state)
        if end is not None:
            self._end_everything(end, detail)
        if state in (LinkState.RESTARTING, LinkState.DEAD):
            self._attachment.lose()
        if state is LinkState.UP:
            self._came_up()
        self._observer.link_changed(self, state, detail)

    def _let_wait(self) -> None:
        self._runs.go_on()
        if self._runs.are_waiting:
            self._runs.explain_waiting()
            self._user.expect_end()

    def _end_everything(self, state: State, detail: str) -> None:
        self.approvals.end_all(State.ABORTED, f"{detail} It never ran.")
        self._runs.end_all(state, detail)
        self._user.lose(state, detail)

    def _came_up(self) -> None:
        for waiter in self._up_waiters:
            waiter.set()
        # Also after a silence: what was sent before may still be in the kernel's queue, and is behind us then.
        self._attachment.settle()

    def _settled(self) -> None:
        self._runs.go_on()
        self._runs.explain_waiting()
        if self._maybe_false_alarm:
            self._maybe_false_alarm = False
            self._observer.link_changed(self, LinkState.UP, "")

    # -- restart and end

    def owner_restarted(self, reason: str) -> None:
        """The kernel's owner knows that it was restarted or died: end what was pending, before the wire tells."""
        self.state_changed(LinkState.RESTARTING, reason)
        if self.link.state is LinkState.UP:
            # If it was a false alarm, the helper goes into the same kernel again; else the link says UP anew.
            self._maybe_false_alarm = True
            self._attachment.settle()

    async def link_is_up(self) -> None:
        """Wait until the kernel has come back from a restart that is still to be noticed."""
        waiter = asyncio.Event()
        self._up_waiters.add(waiter)
        try:
            await waiter.wait()
        finally:
            self._up_waiters.discard(waiter)

    async def close(self, reason: str) -> None:
        """Stop what agents run here, take the helper out of the kernel, let go of it. Takes at most about a second.

        If the helper still waits behind a cell of the user to be let in, it is seen off later; `abandon` gives that up.
        A second call waits for the first.
        """
        if self._closing is None:
            self._closed_because = reason
            self._closing = asyncio.create_task(self._close(reason), name=f"close {self._title}")
        await asyncio.shield(self._closing)

    async def _close(self, reason: str) -> None:
        self.approvals.end_all(State.ABORTED, f"{reason} It never ran.")
        self._runs.drop_queued(State.ABORTED, f"{reason} It never ran.")
        with contextlib.suppress(CokernelError, asyncio.TimeoutError):
            await asyncio.wait_for(self._runs.stop_current(STOP_GRACE_S), STOP_GRACE_S)
        self._end_everything(State.LOST, reason)
        await self._runs.close()
        await self._attachment.settled_within(ARRIVAL_GRACE_S)
        if self._attachment.is_on_its_way_in:
            self._seeing_helper_off = asyncio.create_task(self._see_helper_off())
        else:
            await self._attachment.leave(LEAVE_GRACE_S)
            await self.link.close()

    async def abandon(self) -> None:
        """After `close`: let go of the kernel for good, also if the helper is not out of it yet."""
        if self._seeing_helper_off is not None:
            self._seeing_helper_off.cancel()
            await asyncio.gather(self._seeing_helper_off, return_exceptions=True)
        await self.link.close()

    async def _see_helper_off(self) -> None:
        try:
            await self._attachment.leave_after_arrival(LEAVE_GRACE_S)
        finally:  # also when the loop ends before the user's cell does
            await self.link.close()

    # -- inside

    def _check_open(self) -> None:
        if self._closed_because:
            raise LinkDown(
                self._closed_because, "Choose a kernel with list_kernels and use_kernel."
            )
        if self.link.state in (LinkState.SILENT, LinkState.DEAD, LinkState.CLOSED):
            raise unreachable(self._title, self.link.state, self.kernel_id if self.owned else "")
