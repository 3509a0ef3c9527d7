"""How a run ended, from what the kernel replied. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cokernel.kernel.outputtypes import ErrorOutput
from cokernel.kernel.terminal import plain_text
from cokernel.kernel.tracebacks import error_text
from cokernel.session.activity import ErrorSummary, State

MAX_TRACEBACK_CHARS = 4_000


class Outcome(NamedTuple):
    """A final state, with what people are told about it."""

    state: State
    reason: str = ""
    error: ErrorSummary | None = None


def outcome_of(reply: Mapping[str, Any] | None, *, began: bool, interrupt_wanted: bool) -> Outcome:
    """`reply` is the content of the `execute_reply`; None if an `idle` came and the reply did not.

    `began` is whether the kernel has announced the code as its input.
    """
    if reply is None:  # An interrupt hit the kernel's own code.
        if interrupt_wanted:
            return Outcome(State.INTERRUPTED)
        return Outcome(State.LOST, "Its reply never came. It may have partly run.")
    status = reply.get("status")
    if status == "ok":
        return Outcome(State.OK)
    if status in ("aborted", "abort"):
        if (
            began
        ):  # so do kernels that wrap a program (bash_kernel) answer when they were interrupted
            return Outcome(State.INTERRUPTED)
        return Outcome(State.ABORTED, "A cell before it failed, so it never ran.")
    error = error_summary(reply)
    # A cell that awaits ends as cancelled (ipykernel cancels its task); so may code that was not interrupted at all.
    cancelled = error.ename == "CancelledError" and interrupt_wanted
    interrupted = error.ename == "KeyboardInterrupt" or cancelled
    return Outcome(State.INTERRUPTED if interrupted else State.ERROR, error=error)


def error_summary(content: Mapping[str, Any]) -> ErrorSummary:
    """The exception in an `error` or `execute_reply`: the user's frames, bounded, without escape codes."""
    lines = content.get("traceback")
    text = "\n".join(str(line) for line in lines) if isinstance(lines, list) else ""
    ename = plain_text(str(content.get("ename", "")))[:200]
    evalue = plain_text(str(content.get("evalue", "")))[:1_000]
    told = error_text(ErrorOutput(ename, evalue, plain_text(text)))
    return ErrorSummary(ename, evalue, told[-MAX_TRACEBACK_CHARS:])
