"""What the live view says about shares, clients, calls and outputs, in the words of every face of cokernel."""

from __future__ import annotations

import time

from cokernel.host import (
    Activity,
    Change,
    ClientInfo,
    DisplayOutput,
    ErrorOutput,
    Kind,
    Mode,
    Output,
    ShareInfo,
    ShareState,
    State,
    StreamOutput,
)
from cokernel.session.words import STATE_WORDS, duration_words, running_words

MODES = {Mode.FREE: "Run freely", Mode.ASK: "Ask me", Mode.LOOK: "Look only"}

SHARE_STATES = {
    ShareState.CONNECTING: "connecting",
    ShareState.UP: "",
    ShareState.RESTARTING: "restarting",
    ShareState.SILENT: "does not answer",
    ShareState.DEAD: "kernel ended",
    ShareState.CLOSED: "not shared",
}

_CHANGES = {"new": "new", "removed": "removed", "possibly": "possibly changed"}
"""Whatever else happened to a name is `changed`."""


def call_duration(call: Activity, now: float) -> str:
    """What stands in the duration column of a call; empty if it never ran or waits."""
    if call.duration_s is not None:
        return duration_words(call.duration_s)
    if call.state.is_final or call.started_at is None:
        return ""
    return running_words(now - call.started_at)


def call_state(call: Activity) -> str:
    """The state of a call in full: `queued behind your cell` says more than `queued`."""
    if call.state is State.QUEUED and call.reason:
        return call.reason
    return STATE_WORDS[call.state]


def call_title(call: Activity) -> str:
    """One line: the first line of code, or the tool and its argument."""
    if call.kind is Kind.RUN:
        lines = [line for line in call.code.splitlines() if line.strip()]
        return (
            lines[0].strip().replace("\t", " ") + (" …" if len(lines) > 1 else "") if lines else ""
        )
    return f"{call.tool} {call.code}".strip().replace("\n", " ").replace("\t", " ")


def clock(seconds: float) -> str:
    """Local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))


def client_line(client: ClientInfo, now: float) -> str:
    runs = "1 run" if client.runs == 1 else f"{client.runs} runs"
    return f"{client.name} · {since(now - client.since)} · {runs}"


def since(seconds: float) -> str:
    """Coarse, for how long a client has been there: `now`, `12 min`, `3 h`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "now"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def share_problem(share: ShareInfo) -> str:
    """What is wrong with a share, and what to do; empty while it is up."""
    if share.state is ShareState.UP:
        return share.detail
    what = share.detail or f"{share.title}: {SHARE_STATES[share.state]}."
    if share.state is ShareState.DEAD:
        return f"{what} If it is started again on the same ports, sharing goes on; q stops it."
    return f"{what} q leaves." if share.state is ShareState.CLOSED else what


def changes(entries: tuple[Change, ...]) -> list[tuple[str, str]]:
    """What a run changed: pairs of `new` and `model (Ridge), y`."""
    grouped: dict[str, list[str]] = {}
    for change in entries:
        name = f"{change.name} ({change.detail})" if change.detail else change.name
        grouped.setdefault(_CHANGES.get(change.how, "changed"), []).append(name)
    return [(how, ", ".join(names)) for how, names in grouped.items()]


def output_text(output: Output) -> str:
    """An output as a terminal can show it; pictures and the like as a line that names them."""
    if isinstance(output, StreamOutput):
        return _stream_text(output)
    if isinstance(output, ErrorOutput):
        return output.traceback or f"{output.ename}: {output.evalue}"
    return _display_text(output)


def _stream_text(output: StreamOutput) -> str:
    if not output.dropped_chars:
        return output.text.rstrip("\n")
    head, tail = output.text[: output.dropped_at], output.text[output.dropped_at :]
    note = f"… {output.dropped_chars:,} characters are not kept …\n"
    newline = "" if head.endswith("\n") or not head else "\n"
    return f"{head}{newline}{note}{tail}".rstrip("\n")


def _display_text(output: DisplayOutput) -> str:
    pictures = [mime for mime in output.data if mime.startswith("image/")]
    if pictures:
        size = len(output.data[pictures[0]]) * 3 // 4
        return f"picture ({pictures[0].removeprefix('image/')}, {max(1, size // 1000)} kB)"
    text = output.data.get("text/plain")
    return text.rstrip("\n") if text else ", ".join(output.data) or "nothing to show"
