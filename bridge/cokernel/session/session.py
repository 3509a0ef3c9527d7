"""`Session`: the sole owner of one kernel's queue, executions and activity.

Agents' runs go to the kernel one at a time, and only while no cell of the user runs: a run that is held here can be
taken back, is not aborted when a cell of the user fails, and never makes the user wait for more than one run. What the
kernel says about each run arrives as messages (`message_arrived`) and ends in exactly one final state, whatever dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Protocol

from cokernel.errors import (
    CannotLook,
    CokernelError,
    Denied,
    LinkDown,
    NoAnswer,
    Unknown,
    Unsupported,
)
from cokernel.kernel.inkernel import Helper
from cokernel.kernel.link import Channel, KernelLink, LinkState, Message
from cokernel.kernel.namespace import Change, Description, Running, VariableListing
from cokernel.session.activity import (
    Activity,
    ActivityLog,
    ErrorSummary,
    Kind,
    Origin,
    Sequence,
    State,
)
from cokernel.session.approvals import Approvals
from cokernel.session.execution import Client, Execution
from cokernel.session.policy import Answer, Capability, Decision, Mode, decide
from cokernel.session.user_cells import UserCells, error_summary

log = logging.getLogger(__name__)

LAST_MESSAGE_GRACE_S = 2.0
"""How long a reply waits for its `idle`, or an `idle` for its reply, after the last message of that run."""
INTERRUPT_GRACE_S = 3.0
"""How long an interrupted run may take to notice before the caller is told that it has not yet."""
CLOSE_GRACE_S = 0.7
KEEP_EXECUTIONS = 200
KEEP_OUTPUT_BYTES = 64_000_000

_OUTPUT_TYPES = {
    "stream",
    "display_data",
    "execute_result",
    "error",
    "clear_output",
    "update_display_data",
}
_LINK_ENDS = {
    LinkState.RESTARTING: State.RESTARTED,
    LinkState.SILENT: State.LOST,
    LinkState.DEAD: State.LOST,
    LinkState.CLOSED: State.LOST,
}


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
        self.helper = Helper(link)
        self.approvals = Approvals()
        self.changed_names: dict[str, float] = {}
        """When a run of an agent last changed each name, in seconds since the epoch."""
        self.log = ActivityLog(sequence, self._entry_changed)
        self._title = title
        self._sequence = sequence
        self._observer = observer
        self._user = UserCells(
            kernel_id=kernel_id, kernel=title, sequence=sequence, record=self.log.put
        )
        self._queue: deque[Execution] = deque()
        self._current: Execution | None = None
        self._by_msg: dict[str, Execution] = {}
        self._executions: dict[int, Execution] = {}
        self._left_running = ""
        """msg_id of a run that ended as `lost` while the kernel may still be at it."""
        self._settled = False
        """Whether the shell channel has answered once: before that, a cell of the user may be running unseen."""
        self._settling: asyncio.Task[None] | None = None
        self._finishing: set[asyncio.Task[None]] = set()
        self._deadline: asyncio.TimerHandle | None = None
        self._closed_because = ""
        self._up_waiters: list[asyncio.Event] = []
        self._false_alarm = False
        link.observe(self)
        self._settle()

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
        return self._user.busy_since

    @property
    def user_code(self) -> str:
        """The code of the user's cell that runs now; empty if none or unknown."""
        return self._user.running_code

    @property
    def unfinished(self) -> list[Execution]:
        """Runs of agents that have no outcome yet, in their order."""
        return [e for e in self._executions.values() if not e.state.is_final]

    @property
    def has_run(self) -> bool:
        """Whether an agent ever ran code here."""
        return bool(self._executions)

    def find_execution(self, number: int) -> Execution | None:
        """The run that agents call `execution <number>`; None if it is none of this kernel's, or too long ago."""
        return self._executions.get(number)

    def by_entry(self, number: int) -> Execution | None:
        """The run behind an entry of the activity log."""
        return next((e for e in self._executions.values() if e.entry.number == number), None)

    # -- what agents and people do

    def submit(self, client: Client, code: str, *, background: bool = False) -> Execution:
        """Take a run: it waits for approval, for its turn, or goes to the kernel at once.

        Raises
        ------
        Denied
            the mode does not let agents run code. It is in the activity log all the same.
        LinkDown
            the kernel cannot be reached.
        """
        self._check_open()
        execution = Execution(
            client=client,
            code=code,
            kernel_id=self.kernel_id,
            kernel=self._title,
            sequence=self._sequence,
            background=background,
        )
        self._remember(execution)
        decision = decide(self.mode, Capability.RUN, client.client_id, self.approvals.grants)
        if decision is Decision.DENY:
            self._finish(execution, State.DENIED, "Look only")
            raise Denied(
                f"{self._title} is shared to look only, so no code was run.",
                "list_variables and inspect work; the user can choose Run freely or Ask me.",
            )
        if decision is Decision.ASK:
            approval = self.approvals.ask(execution)
            self._step(execution, State.WAITING_APPROVAL, "waiting for you", approval=approval)
        else:
            self._enqueue(execution)
        return execution

    def answer(self, approval: str, answer: Answer) -> None:
        """The person's word on a run that waits for it.

        Raises
        ------
        Unknown
            nothing waits under this id any more.
        """
        executions, allowed = self.approvals.answer(approval, answer)
        for execution in executions:
            if allowed:
                self._enqueue(execution)
            else:
                self._finish(execution, State.DENIED, "denied by you")

    def take_over(self, before: Session) -> None:
        """Stand where `before` stood: the same pause, and what the person has allowed until sharing stops."""
        self.paused = before.paused
        self.approvals.grants = before.approvals.grants

    def set_mode(self, mode: Mode) -> None:
        """What waits for approval is decided anew: a freer mode lets it run, `LOOK` denies it and what is queued."""
        self.mode = mode
        if mode is Mode.FREE:
            for execution in self.approvals.take():
                self._enqueue(execution)
        elif mode is Mode.LOOK:
            for execution in [*self.approvals.take(), *self._queue]:
                self._finish(execution, State.DENIED, "Look only")
            self._queue.clear()

    def set_paused(self, paused: bool) -> None:
        """While paused no new run begins; what runs goes on."""
        self.paused = paused
        self._explain_waiting()
        self._send_next()

    async def interrupt(self, execution: Execution) -> bool:
        """Stop an agent's own run, wherever it stands; whether it has ended by now. The user's cells are never touched.

        Raises
        ------
        Unsupported
            nothing guarantees that an interrupt would hit this run and not a cell of the user.
        """
        if execution.state.is_final:
            return True
        if not execution.is_sent:
            self.approvals.withdraw(execution)
            if execution in self._queue:
                self._queue.remove(execution)
            self._finish(execution, State.ABORTED, "taken back before it ran")
            return True
        execution.interrupt_wanted = True
        if execution.state is not State.QUEUED:  # else as soon as the kernel begins with it
            await self._interrupt_running(execution)
        return await execution.wait(INTERRUPT_GRACE_S)

    def interrupt_soon(self, execution: Execution) -> None:
        """The same without waiting for it: for a caller that is being cancelled itself."""
        self._in_background(self._interrupt_quietly(execution))

    def begin_call(self, client: Client, *, tool: str, argument: str, kind: Kind) -> Activity:
        """Record that a look or a control call of an agent begins; hand the entry to `end_call`."""
        now = time.time()
        entry = Activity(
            number=self._sequence.next_entry(),
            origin=Origin.AGENT,
            kind=kind,
            state=State.RUNNING,
            client_id=client.client_id,
            client=client.name,
            kernel_id=self.kernel_id,
            kernel=self._title,
            tool=tool,
            code=argument,
            created_at=now,
            started_at=now,
        )
        self.log.put(entry)
        return entry

    def end_call(self, entry: Activity, state: State, reason: str) -> None:
        self.log.put(replace(entry, state=state, reason=reason, finished_at=time.time()))

    def answer_input(self, execution: Execution, text: str) -> None:
        """Give `input()` its line.

        Raises
        ------
        Unknown
            the run does not wait for input.
        LinkDown
            the kernel cannot be reached.
        """
        if execution.state is not State.WAITING_INPUT:
            raise Unknown(
                f"Execution {execution.number} does not wait for input ({execution.state.value}).",
                "check_execution shows where it stands.",
            )
        self.link.send(
            Channel.STDIN,
            "input_reply",
            {"value": text, "status": "ok"},
            parent=execution.input_parent,
        )
        self._step(execution, State.RUNNING)

    async def variables(
        self, *, pattern: str | None = None, limit: int = 200, offset: int = 0
    ) -> VariableListing:
        """The user's namespace, also while a cell runs.

        Raises
        ------
        CannotLook
            the helper is not in the kernel yet, or C code holds the interpreter.
        Unsupported
            not a Python kernel.
        """
        self._check_can_look()
        return await self.helper.variables(pattern=pattern, limit=limit, offset=offset)

    async def describe(self, expression: str) -> Description:
        """One variable, attribute or item; raises like `variables`, and `BadRequest` for what would have to be run."""
        self._check_can_look()
        return await self.helper.describe(expression)

    async def running(self) -> Running | None:
        """What the kernel is at, and where; None if that cannot be known now."""
        if not self.helper.ready:
            return None
        try:
            return await self.helper.running()
        except (CannotLook, LinkDown, NoAnswer):
            return None

    async def changes_since_look(self) -> tuple[Change, ...]:
        """Names that changed since this was asked last, by whoever; empty if that cannot be known now."""
        if not self.helper.ready:
            return ()
        try:
            return await self.helper.changes_since_mark()
        except (CannotLook, LinkDown, NoAnswer):
            return ()

    async def close(self, reason: str) -> None:
        """Stop what agents run here, take the helper out of the kernel, let go of it. Takes at most about a second."""
        if self._closed_because:
            return
        self._closed_because = reason
        for execution in [*self.approvals.take(), *self._queue]:
            self._finish(execution, State.ABORTED, f"{reason} It never ran.")
        self._queue.clear()
        with contextlib.suppress(CokernelError, asyncio.TimeoutError):
            await asyncio.wait_for(self._stop_current(), CLOSE_GRACE_S)
        if self._settling is not None:
            self._settling.cancel()
        with contextlib.suppress(CokernelError, asyncio.TimeoutError):
            await asyncio.wait_for(self.helper.remove(), CLOSE_GRACE_S)
        self._end_all(State.LOST, reason)
        await self.link.close()

    # -- what the kernel says (LinkObserver)

    def message_arrived(self, message: Message) -> None:
        if message.parent_session != self.link.session_id:
            if message.channel is Channel.IOPUB:
                self._user.message(message)
                self._after_others(message)
            return
        if message.parent_id == self._left_running and _is_idle(message):
            self._left_running = ""
            self._send_next()
        execution = self._by_msg.get(message.parent_id)
        if execution is not None:
            self._own_message(execution, message)

    def state_changed(self, state: LinkState, detail: str) -> None:
        ends_as = _LINK_ENDS.get(state)
        if ends_as is not None:
            if state is LinkState.SILENT and self._current is not None:
                self._left_running = self._current.msg_id
            self._end_all(ends_as, detail)
            self._user.forget(ends_as, detail)
        if state in (LinkState.RESTARTING, LinkState.DEAD):
            self.helper.forget()
            self._settled = False
            self._left_running = ""
        if state is LinkState.UP:
            for waiter in self._up_waiters:
                waiter.set()
            self._up_waiters.clear()
            if not self._settled:
                self._settle()
        self._observer.link_changed(self, state, detail)

    def owner_restarted(self, reason: str) -> None:
        """The kernel's owner knows that it was restarted or died: end what was pending, before the wire tells."""
        self.state_changed(LinkState.RESTARTING, reason)
        if self.link.state is LinkState.UP:
            # If it was a false alarm, the helper goes into the same kernel again; else the link says UP anew.
            self._false_alarm = True
            self._settle()

    async def link_is_up(self) -> None:
        """Wait until the kernel has come back from a restart that is still to be noticed."""
        waiter = asyncio.Event()
        self._up_waiters.append(waiter)
        await waiter.wait()

    # -- one run, step by step

    def _own_message(self, execution: Execution, message: Message) -> None:
        if message.channel is Channel.IOPUB:
            if message.msg_type == "status":
                self._own_status(execution, message)
            elif message.msg_type == "execute_input":
                self._own_count(execution, message)
            elif message.msg_type in _OUTPUT_TYPES:
                self._own_output(execution, message)
        elif message.channel is Channel.STDIN and message.msg_type == "input_request":
            execution.prompt = str(message.content.get("prompt", ""))
            execution.input_parent = {
                "msg_id": message.msg_id,
                "msg_type": message.msg_type,
                "session": self.link.session_id,
            }
            self._step(execution, State.WAITING_INPUT, "waits for input")
        elif message.channel is Channel.SHELL and message.msg_type == "execute_reply":
            execution.reply = dict(message.content)
            self._maybe_complete(execution)

    def _own_status(self, execution: Execution, message: Message) -> None:
        if _is_idle(message):
            execution.idle_seen = True
            self._maybe_complete(execution)
        elif execution.state is State.QUEUED:
            self._step(execution, State.RUNNING)
            if execution.interrupt_wanted:
                self._in_background(self._interrupt_running(execution))

    def _own_count(self, execution: Execution, message: Message) -> None:
        count = message.content.get("execution_count")
        if isinstance(count, int):
            self._step(execution, execution.state, execution_count=count)

    def _own_output(self, execution: Execution, message: Message) -> None:
        if not execution.outputs.add(message):
            return
        self._observer.outputs_changed(self, execution.entry.number)
        if self._deadline is not None and execution is self._current:
            self._await_last_message(execution)

    def _maybe_complete(self, execution: Execution) -> None:
        if execution.state.is_final:
            return
        if execution.reply is None or not execution.idle_seen:
            self._await_last_message(execution)
        else:
            self._complete(execution)

    def _await_last_message(self, execution: Execution) -> None:
        """A reply or an `idle` can be lost (an interrupt in the kernel's own code); do not wait for it for ever."""
        self._cancel_deadline()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(LAST_MESSAGE_GRACE_S, self._complete, execution)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _complete(self, execution: Execution) -> None:
        self._cancel_deadline()
        state, error = _outcome(execution)
        if state is State.ERROR or state is State.INTERRUPTED:
            # IPython evaluates no user expressions after an exception: ask for the changes.
            self._in_background(self._finish_with_changes(execution, state, error))
            return
        changes = self.helper.changes_in(execution.reply or {}) if state is State.OK else ()
        self._finish(execution, state, _reason(state), error=error, changes=changes)

    async def _finish_with_changes(
        self, execution: Execution, state: State, error: ErrorSummary | None
    ) -> None:
        changes: tuple[Change, ...] = ()
        if self.helper.ready:
            with contextlib.suppress(CannotLook, LinkDown, NoAnswer):
                changes = await self.helper.changes(execution.msg_id)
        self._finish(execution, state, _reason(state), error=error, changes=changes)

    def _finish(
        self,
        execution: Execution,
        state: State,
        reason: str = "",
        *,
        error: ErrorSummary | None = None,
        changes: tuple[Change, ...] = (),
    ) -> None:
        if execution.state.is_final:
            return
        if execution is self._current:
            self._current = None
            self._cancel_deadline()
        self.log.put(execution.step(state, reason=reason, error=error, changes=changes))
        self.changed_names.update((change.name, time.time()) for change in changes)
        self._send_next()

    def _step(
        self,
        execution: Execution,
        state: State,
        reason: str = "",
        *,
        approval: str = "",
        execution_count: int | None = None,
    ) -> None:
        before = execution.entry
        entry = execution.step(
            state, reason=reason, approval=approval, execution_count=execution_count
        )
        if entry is not before:
            self.log.put(entry)

    # -- the queue

    def _enqueue(self, execution: Execution) -> None:
        self._queue.append(execution)
        self._send_next()
        if execution.state.is_final or execution.is_sent:
            return
        self._step(execution, State.QUEUED, self._why_waiting())

    def _send_next(self) -> None:
        while self._queue and self._may_send():
            execution = self._queue.popleft()
            try:
                self._send(execution)
            except LinkDown as error:
                self._finish(execution, State.ABORTED, f"{error} It never ran.")

    def _may_send(self) -> bool:
        return (
            self._current is None
            and self._settled
            and not self._left_running
            and not self.paused
            and self._user.busy_since is None
            and self.link.state is LinkState.UP
        )

    def _send(self, execution: Execution) -> None:
        execution.msg_id = self.link.send(
            Channel.SHELL,
            "execute_request",
            {
                "code": execution.entry.code,
                "silent": False,
                "store_history": True,
                "user_expressions": self.helper.user_expressions(),
                "allow_stdin": True,
                # True would abort the cells that the user has queued (jupyter_client PR 414).
                "stop_on_error": False,
            },
        )
        self._current = execution
        self._by_msg[execution.msg_id] = execution
        self._step(execution, State.QUEUED)

    def _why_waiting(self) -> str:
        if self.paused:
            return "paused by you"
        if self._current is not None:
            return f"queued behind execution {self._current.number}"
        if self.link.state is not LinkState.UP:
            return "waiting for the kernel"
        return "queued behind your cell"

    def _explain_waiting(self) -> None:
        for execution in self._queue:
            self._step(execution, State.QUEUED, self._why_waiting())

    def _after_others(self, message: Message) -> None:
        if message.msg_type == "status" and message.parent_type == "execute_request":
            if self._user.busy_since is not None and self._queue:
                self._explain_waiting()
            self._send_next()

    # -- attaching, and letting go

    def _settle(self) -> None:
        self._settling = asyncio.create_task(self._settle_in(), name=f"settle in {self.kernel_id}")

    async def _settle_in(self) -> None:
        """Wait for the first idle moment; a Python kernel gets the helper then."""
        try:
            if self.link.info.is_ipython:
                await self.helper.install()
            else:
                await self.link.request(Channel.SHELL, "kernel_info_request", {}, timeout_s=None)
        except LinkDown:
            return  # the link comes UP again with a new kernel, or never
        except Unsupported as error:
            log.warning("No looks into %s: %s", self._title, error)
        self._settled = True
        self._send_next()
        if self._false_alarm:
            self._false_alarm = False
            self._observer.link_changed(self, LinkState.UP, "")

    async def _interrupt_running(self, execution: Execution) -> None:
        if self.helper.ready:
            try:
                await self.helper.interrupt_if(execution.msg_id)
            except CannotLook:
                # The request waits in the kernel; the guard still holds when C code lets go of the interpreter.
                log.info("The interrupt waits until C code gives way.")
        elif self.owned:
            self.link.send(Channel.CONTROL, "interrupt_request", {})
        else:
            raise Unsupported(
                f"An interrupt in {self._title} could hit the user's own cell, so none was sent.",
                "Ask the user to press Stop there.",
            )

    async def _interrupt_quietly(self, execution: Execution) -> None:
        await self.interrupt(execution)

    async def _stop_current(self) -> None:
        current = self._current
        if current is not None and not current.state.is_final:
            current.interrupt_wanted = True
            await self._interrupt_running(current)
            await current.wait(CLOSE_GRACE_S)

    def _end_all(self, state: State, detail: str) -> None:
        current = self._current
        waiting = [*self.approvals.take(), *self._queue]
        self._queue.clear()
        for execution in waiting:
            self._finish(execution, State.ABORTED, f"{detail} It never ran.")
        if current is not None:
            self._finish(current, state, f"{detail} It may have partly run.")

    # -- keeping

    def _remember(self, execution: Execution) -> None:
        self._executions[execution.number] = execution
        held = sum(e.outputs.held_bytes for e in self._executions.values())
        for old in list(self._executions.values()):
            if len(self._executions) <= KEEP_EXECUTIONS and held <= KEEP_OUTPUT_BYTES:
                break
            if old.state.is_final:
                held -= old.outputs.held_bytes
                del self._executions[old.number]
                self._by_msg.pop(old.msg_id, None)

    def _entry_changed(self, entry: Activity) -> None:
        self._observer.activity_changed(self, entry)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._finishing.add(task)
        task.add_done_callback(self._finished_background)

    def _finished_background(self, task: asyncio.Task[None]) -> None:
        self._finishing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("%s: %s", self._title, error)

    def _check_open(self) -> None:
        if self._closed_because:
            raise LinkDown(
                self._closed_because, "Choose a kernel with list_kernels and use_kernel."
            )
        if self.link.state in (LinkState.SILENT, LinkState.DEAD, LinkState.CLOSED):
            raise LinkDown(
                f"{self._title} cannot be reached ({self.link.state.value}).",
                "Nothing was run. Ask the user to restart it, or use another kernel.",
            )

    def _check_can_look(self) -> None:
        self._check_open()
        if not self.link.info.is_ipython:
            raise Unsupported(
                f"{self._title} runs {self.link.info.language}; looks work in Python kernels only.",
                "Use execute_code.",
            )
        if not self.helper.ready:
            raise CannotLook(
                f"The user's cell in {self._title} has been running since before sharing began.",
                "Looks work from its end on; wait, then try again.",
            )


def _is_idle(message: Message) -> bool:
    return message.msg_type == "status" and message.content.get("execution_state") == "idle"


def _outcome(execution: Execution) -> tuple[State, ErrorSummary | None]:
    reply = execution.reply
    if reply is None:  # idle came, the reply did not: an interrupt hit the kernel's own code
        return (State.INTERRUPTED if execution.interrupt_wanted else State.LOST), None
    status = reply.get("status")
    if status == "ok":
        return State.OK, None
    if status in ("aborted", "abort"):
        return State.ABORTED, None
    error = error_summary(reply)
    if error.ename == "KeyboardInterrupt":
        return State.INTERRUPTED, error
    return State.ERROR, error


def _reason(state: State) -> str:
    if state is State.ABORTED:
        return "A cell before it failed, so it never ran."
    if state is State.LOST:
        return "Its reply never came. It may have partly run."
    return ""
