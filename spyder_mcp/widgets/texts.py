"""The words of the interface: durations, times, states. The same in every face of the product."""

from __future__ import annotations

import html
import time

from cokernel.host import Activity, Kind, Mode, Origin, State, Wish, visible_code, wish_of
from spyder_mcp.translation import _

MINUTE_S = 60
HOUR_S = 3600


def mode_text(mode: Mode) -> str:
    """`Run freely`, `Ask me` or `Look only`."""
    return {Mode.FREE: _("Run freely"), Mode.ASK: _("Ask me"), Mode.LOOK: _("Look only")}[mode]


def mode_tip(mode: Mode) -> str:
    """One sentence about what the mode lets agents do."""
    return {
        Mode.FREE: _("Claude runs code without asking."),
        Mode.ASK: _("Each run waits until you allow it, once or until sharing stops."),
        Mode.LOOK: _("Claude sees variables and activity but runs no code."),
    }[mode]


def duration_text(seconds: float) -> str:
    """`35 ms`, `0.42 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 0.1:
        return _("{} ms").format(round(max(seconds, 0.0) * 1000))
    if seconds < 9.995:
        return _("{:.2f} s").format(seconds)
    whole = round(seconds)
    if whole < MINUTE_S:
        return _("{} s").format(whole)
    if whole < HOUR_S:
        return _("{} min {:02d} s").format(*divmod(whole, MINUTE_S))
    return _("{} h {:02d} min").format(*divmod(whole // MINUTE_S, MINUTE_S))


def running_text(seconds: float) -> str:
    """Like `duration_text`, in whole seconds: a running call ticks once a second."""
    return _("{} s").format(int(max(seconds, 0.0))) if seconds < 10 else duration_text(seconds)


def since_text(seconds: float) -> str:
    """How long a client has been there: `just now`, `12 min`, `2 h 10 min`."""
    if seconds < MINUTE_S:
        return _("just now")
    if seconds < HOUR_S:
        return _("{} min").format(int(seconds // MINUTE_S))
    return duration_text(seconds)


def clock_text(at: float) -> str:
    """`14:02:11` in local time."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def runs_text(runs: int) -> str:
    """`1 run`, `8 runs`."""
    return _("1 run") if runs == 1 else _("{} runs").format(runs)


def state_text(call: Activity) -> str:
    """The state as one or two words: `running`, `waiting for you`, `ok`."""
    if call.state is State.QUEUED:
        return call.reason or _("queued")
    return {
        State.WAITING_APPROVAL: _("waiting for you"),
        State.RUNNING: _("running"),
        State.WAITING_INPUT: _("waiting for input"),
        State.OK: _("ok"),
        State.ERROR: _("error"),
        State.INTERRUPTED: _("interrupted"),
        State.ABORTED: _("never ran"),
        State.DENIED: _("denied"),
        State.RESTARTED: _("restarted"),
        State.LOST: _("lost"),
        State.FAILED: _("failed"),
    }[call.state]


def elapsed_s(call: Activity, now: float) -> float | None:
    """Seconds in the kernel so far or in all; None if it never began there."""
    if call.duration_s is not None:
        return call.duration_s
    if call.started_at is None or call.state.is_final:
        return None
    return now - call.started_at


def elapsed_text(call: Activity, now: float) -> str:
    """What the list shows at the end of a row."""
    seconds = elapsed_s(call, now)
    if seconds is None:
        return ""
    return duration_text(seconds) if call.state.is_final else running_text(seconds)


def is_agent_run(call: Activity, states: tuple[State, ...]) -> bool:
    """Whether it is an agent's run in one of these states."""
    return call.origin is Origin.AGENT and call.kind is Kind.RUN and call.state in states


def question_markup(call: Activity) -> str:
    """What the person is asked, as rich text; what would be run or typed is shown below it."""
    sentence = {
        Wish.RUN: _("<b>{client}</b> wants to run this in <b>{kernel}</b>"),
        Wish.TYPE: _("<b>{client}</b> wants to type this into <b>{kernel}</b>"),
        Wish.START: _("<b>{client}</b> wants to start a kernel"),
    }[wish_of(call)]
    asked = sentence.format(client=_plain(call.client), kernel=_plain(call.kernel))
    return f"{asked}: {_plain(call.code)}" if call.tool == "start_kernel" else asked


def wish_text(call: Activity) -> str:
    """The same as a sentence that stands alone: in the notice and in the status bar."""
    sentence = {
        Wish.RUN: _("{client} wants to run code in {console}."),
        Wish.TYPE: _("{client} wants to type into {console}."),
        Wish.START: _("{client} wants to start a kernel."),
    }[wish_of(call)]
    return visible_code(sentence.format(client=call.client, console=call.kernel))


def tip_text(text: str) -> str:
    """Text of agents or kernels for a tooltip, which Qt would draw as rich text if it looked like that."""
    text = visible_code(text)
    if "<" not in text:
        return text
    return f'<p style="white-space: pre-wrap">{html.escape(text)}</p>'


def _plain(text: str) -> str:
    """The same inside rich text."""
    return html.escape(visible_code(text))


def headline(call: Activity) -> str:
    """First line of the code that says something; the tool and its argument for any other call."""
    first = visible_code(_first_line(call.code))
    if call.kind is Kind.RUN or call.origin is Origin.USER:
        return first
    return f"{call.tool} {first}".strip()


def spoken(call: Activity, now: float) -> str:
    """A row as a sentence, for screen readers."""
    parts = [
        clock_text(call.created_at),
        call.client,
        call.kernel,
        state_text(call),
        headline(call),
        elapsed_text(call, now),
    ]
    return ", ".join(part for part in parts if part)


def _first_line(code: str) -> str:
    lines = [line.strip() for line in code.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("#")]
    return (telling or lines or [""])[0]
