"""The runs of agents in one kernel: the queue, the one that the kernel has, and how each of them ends.

They go to the kernel one at a time, and only while nothing holds them: a run that waits here can be taken back, is not
aborted when a cell of the user fails, and never makes the user wait for more than one run. What the kernel says about
the one that it has moves it from step to step, and it ends exactly once, whatever dies.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from cokernel.errors import CannotLook, CokernelError, LinkDown, Unknown, Unsupported
from cokernel.kernel.inkernel import Helper
from cokernel.kernel.link import Channel, KernelLink, LinkState, Message
from cokernel.kernel.namespace import Change
from cokernel.session.activity import Activity, State
from cokernel.session.background import Background
from cokernel.session.execution import Execution
from cokernel.session.kept import KeptExecutions
from cokernel.session.outcomes import Outcome, outcome_of
from cokernel.session.patience import Patience

log = logging.getLogger(__name__)

LAST_MESSAGE_GRACE_S = 2.0
"""How long a reply waits for its `idle`, or an `idle` for its reply, after the last message of that run."""
INTERRUPT_GRACE_S = 3.0
"""How long an interrupted run may take to notice before the caller is told that it has not yet."""
INTERRUPT_QUESTIONS = 8
INTERRUPTS = 2
"""How many a run gets that goes on after the first."""
INTERRUPT_PAUSE_S = 1.5

_OUTPUT_TYPES = {
    "stream",
    "display_data",
    "execute_result",
    "error",
    "clear_output",
    "update_display_data",
}


class Runs:
    """Owned by one `Session`. Everything happens in its event loop."""

    def __init__(
        self,
        link: KernelLink,
        helper: Helper,
        *,
        owned: bool,
        hold: Callable[[], str],
        record: Callable[[Activity], None],
        printed: Callable[[int], None],
    ) -> None:
        """`hold` says why no run may go to the kernel now, for people; empty if one may.

        `record` gets each step of each run; `printed` the number of an entry whose outputs have changed.
        """
        self.kept = KeptExecutions()
        self._link = link
        self._helper = helper
        self._owned = owned
        self._hold = hold
        self._record = record
        self._printed = printed
        self._queue: deque[Execution] = deque()
        self._current: Execution | None = None
        self._patience = Patience(LAST_MESSAGE_GRACE_S)
        self._background = Background()

    @property
    def are_waiting(self) -> bool:
        """Whether any run waits for its turn."""
        return bool(self._queue)

    # -- the queue

    def enqueue(self, execution: Execution) -> None:
        """Let it run when its turn comes, which may be at once."""
        self._queue.append(execution)
        self.go_on()
        if not execution.is_sent:
            self.step(execution, State.QUEUED, self._why_waiting())

    def go_on(self) -> None:
        """What held the queue may be over: send the next run if nothing does."""
        while self._queue and self._current is None and not self._hold():
            execution = self._queue.popleft()
            try:
                self._send(execution)
            except LinkDown as error:
                self.end(execution, State.ABORTED, f"{error} It never ran.")

    def explain_waiting(self) -> None:
        """What holds the queue has changed: say so on each run that waits."""
        why = self._why_waiting()
        for execution in self._queue:
            if execution.entry.reason != why:
                self.step(execution, State.QUEUED, why)

    def take_queued(self, wanted: Callable[[Execution], bool]) -> list[Execution]:
        """Those of the waiting runs that are `wanted`; they have left the queue."""
        taken = [execution for execution in self._queue if wanted(execution)]
        self._queue = deque(execution for execution in self._queue if execution not in taken)
        return taken

    def drop_queued(self, state: State, reason: str) -> None:
        """End all that the kernel does not have yet."""
        waiting = list(self._queue)
        self._queue.clear()
        for execution in waiting:
            self.end(execution, state, reason)

    def _why_waiting(self) -> str:
        if self._current is not None:
            return f"queued behind execution {self._current.number}"
        return self._hold()

    def _send(self, execution: Execution) -> None:
        execution.msg_id = self._link.send(
            Channel.SHELL,
            "execute_request",
            {
                "code": execution.entry.code,
                "silent": False,
                "store_history": True,
                "user_expressions": self._helper.user_expressions(),
                "allow_stdin": True,
                # True would abort the cells that the user has queued (jupyter_client PR 414).
                "stop_on_error": False,
            },
        )
        self._current = execution
        self.kept.note_sent(execution)
        self.step(execution, State.QUEUED)
        self.explain_waiting()

    # -- what the kernel says

    def message(self, message: Message) -> None:
        """Take in a message that a request of ours caused."""
        execution = self.kept.by_message(message.parent_id)
        if execution is None:
            return
        if message.channel is Channel.IOPUB:
            self._published(execution, message)
        elif message.channel is Channel.STDIN and message.msg_type == "input_request":
            self._asks_for_input(execution, message)
        elif message.channel is Channel.SHELL and message.msg_type == "execute_reply":
            if execution.reply is None:  # a second one would be a kernel's mistake, or a lie
                execution.reply = dict(message.content)
            self._maybe_complete(execution)

    def _published(self, execution: Execution, message: Message) -> None:
        if message.msg_type == "status":
            self._status(execution, message)
        elif message.msg_type == "execute_input":
            count = message.content.get("execution_count")
            if isinstance(count, int):
                self.step(execution, execution.state, execution_count=count)
        elif message.msg_type in _OUTPUT_TYPES:
            execution.error_published |= message.msg_type == "error"
            if execution.outputs.add(message):
                self._printed(execution.entry.number)
            self._update_earlier_displays(execution, message)
        if execution is self._current and self._patience.is_running:
            self._await_last_message(execution)

    def _status(self, execution: Execution, message: Message) -> None:
        if message.content.get("execution_state") == "idle":
            execution.idle_seen = True
            self._maybe_complete(execution)
        elif execution.state is State.QUEUED:
            self.step(execution, State.RUNNING)
            if execution.interrupt_wanted:
                self._background.start(self._interrupt_running(execution), "interrupt at the start")

    def _update_earlier_displays(self, execution: Execution, message: Message) -> None:
        """A display may have been made by an earlier run, and be updated, or shown anew, by this one."""
        transient = message.content.get("transient")
        display_id = transient.get("display_id") if isinstance(transient, dict) else None
        if not isinstance(display_id, str):
            return
        for other in self.kept.others(execution):
            if other.outputs.apply_update(display_id, message.content):
                self._printed(other.entry.number)

    def _asks_for_input(self, execution: Execution, message: Message) -> None:
        execution.prompt = str(message.content.get("prompt", ""))
        execution.hides_input = message.content.get("password") is True
        execution.input_parent = {
            "msg_id": message.msg_id,
            "msg_type": message.msg_type,
            "session": self._link.session_id,
        }
        self.step(execution, State.WAITING_INPUT, "waits for input")

    # -- how a run ends

    def _maybe_complete(self, execution: Execution) -> None:
        if execution.state.is_final:
            return
        if execution.reply is None or not execution.idle_seen:
            self._await_last_message(execution)
        else:
            self._complete(execution)

    def _await_last_message(self, execution: Execution) -> None:
        """A reply or an `idle` can be lost (an interrupt in the kernel's own code); do not wait for it for ever."""
        self._patience.begin(lambda: self._complete(execution))

    def _complete(self, execution: Execution) -> None:
        self._patience.stop()
        if execution.state.is_final or execution.outcome is not None:
            return
        outcome = outcome_of(
            execution.reply,
            began=execution.entry.execution_count is not None,
            interrupt_wanted=execution.interrupt_wanted,
        )
        execution.outcome = outcome
        if outcome.error is not None:
            self._show_error(execution)
            # IPython evaluates no user expressions after an exception: ask for the changes.
            self._background.start(self._finish_with_changes(execution, outcome), "changes")
        else:
            self._finish(execution, outcome, self._helper.changes_in(execution.reply or {}))

    def _show_error(self, execution: Execution) -> None:
        """The kernel cannot publish every error (half of a surrogate pair in it); its reply tells one all the same."""
        if execution.error_published:
            return
        message = Message(
            Channel.IOPUB, "error", "", execution.msg_id, "", "", execution.reply or {}, {}
        )
        if execution.outputs.add(message):
            self._printed(execution.entry.number)

    async def _finish_with_changes(self, execution: Execution, outcome: Outcome) -> None:
        changes: tuple[Change, ...] = ()
        if self._helper.ready:
            try:
                changes = await self._helper.changes(execution.msg_id)
            except CokernelError as error:
                log.info("What a run changed could not be asked for: %s", error)
        self._finish(execution, outcome, changes)

    def _finish(self, execution: Execution, outcome: Outcome, changes: tuple[Change, ...]) -> None:
        self._leave_kernel(execution)
        if not execution.state.is_final:
            self._record(
                execution.step(
                    outcome.state, reason=outcome.reason, error=outcome.error, changes=changes
                )
            )
        self.go_on()
        self.explain_waiting()

    def end(self, execution: Execution, state: State, reason: str) -> None:
        """End a run for a reason from outside: denied, taken back, the kernel went away."""
        self._finish(execution, Outcome(state, reason), ())

    def end_all(self, state: State, detail: str) -> None:
        """The kernel went away: what it has ends as `state`, what waits never ran."""
        self.drop_queued(State.ABORTED, f"{detail} It never ran.")
        current = self._current
        if current is not None:
            outcome = current.outcome or Outcome(state, f"{detail} It may have partly run.")
            self._finish(current, outcome, ())

    def step(
        self,
        execution: Execution,
        state: State,
        reason: str = "",
        *,
        approval: str = "",
        execution_count: int | None = None,
    ) -> None:
        """Move an unfinished run on, and record it."""
        before = execution.entry
        entry = execution.step(
            state, reason=reason, approval=approval, execution_count=execution_count
        )
        if entry is not before:
            self._record(entry)

    def _leave_kernel(self, execution: Execution) -> None:
        if execution is self._current:
            self._current = None
            self._patience.stop()

    # -- interrupts and input

    async def interrupt(self, execution: Execution) -> bool:
        """Stop a run wherever it stands; whether it has ended by now. The user's cells are never touched.

        Raises
        ------
        Unsupported
            nothing guarantees that an interrupt would hit this run and not a cell of the user.
        """
        if execution.state.is_final:
            return True
        if not execution.is_sent:
            if execution in self._queue:
                self._queue.remove(execution)
            self.end(execution, State.ABORTED, "taken back before it ran")
            return True
        execution.interrupt_wanted = True
        if execution.state is not State.QUEUED:  # else as soon as the kernel begins with it
            await self._interrupt_running(execution)
        return await execution.wait(INTERRUPT_GRACE_S)

    def interrupt_soon(self, execution: Execution) -> None:
        """The same without waiting for it: for a caller that is being cancelled itself."""

        async def interrupt() -> None:
            await self.interrupt(execution)

        self._background.start(interrupt(), "interrupt")

    async def stop_current(self, timeout_s: float) -> None:
        """Interrupt what the kernel has and wait for its end, or until it has not been started yet."""
        current = self._current
        if current is not None and not current.state.is_final:
            current.interrupt_wanted = True
            await self._interrupt_running(current)
            await current.wait(timeout_s)

    async def _interrupt_running(self, execution: Execution) -> None:
        if self._helper.ready:
            try:
                await self._ask_to_interrupt(execution)
            except CannotLook:
                # The request waits in the kernel; the guard still holds when C code lets go of the interpreter.
                log.info("The interrupt waits until C code gives way.")
        elif self._owned:
            self._link.send(Channel.CONTROL, "interrupt_request", {})
        else:
            raise Unsupported(
                "An interrupt could hit the user's own cell here, so none was sent.",
                "Ask the user to press Stop there.",
            )

    async def _ask_to_interrupt(self, execution: Execution) -> None:
        sent = 0
        # The guard refuses while IPython is at work before or after the cell's code; each question waits for a moment.
        for _ in range(INTERRUPT_QUESTIONS):
            if execution.state.is_final or sent == INTERRUPTS:
                return
            if await self._helper.interrupt_if(execution.msg_id):
                sent += 1
                # Seen in Spyder's kernels: a signal right at the start of a cell is swallowed now and then.
                await execution.wait(INTERRUPT_PAUSE_S)

    def answer_input(self, execution: Execution, text: str) -> None:
        """Give `input()` its line; raises like `Session.answer_input`."""
        if execution.state is not State.WAITING_INPUT:
            raise Unknown(
                f"Execution {execution.number} does not wait for input ({execution.state.value}).",
                "check_execution shows where it stands.",
            )
        self._link.send(
            Channel.STDIN,
            "input_reply",
            {"value": text, "status": "ok"},
            parent=execution.input_parent,
        )
        self.step(execution, State.RUNNING)

    async def close(self) -> None:
        """Let go of everything; every run has ended before."""
        self._patience.stop()
        await self._background.close()


def ends_as(state: LinkState) -> State | None:
    """How a run ends whose kernel's link goes to `state`; None if it goes on."""
    return _LINK_ENDS.get(state)


_LINK_ENDS = {
    LinkState.RESTARTING: State.RESTARTED,
    LinkState.SILENT: State.LOST,
    LinkState.DEAD: State.LOST,
    LinkState.CLOSED: State.LOST,
}
