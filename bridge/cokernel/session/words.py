"""The words that every face uses for calls: durations, states, what changed. Pure functions.

People and agents read the same entries; where they would name each other differently there are two functions.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterable, Sequence

from cokernel.kernel.plaintext import size_words
from cokernel.session.activity import Activity, Change, Kind, State

__all__ = [
    "STATE_WORDS",
    "Wish",
    "agent_state_words",
    "changes_line",
    "duration_words",
    "for_agents",
    "head_line",
    "question_words",
    "running_words",
    "size_words",
    "state_words",
    "title_words",
    "visible_code",
    "wish_of",
]

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories: control, format (bidirectional, zero-width), surrogate, private use, separators of lines."""
_UNUSUAL = re.compile(r"[^\n\t\x20-\x7e]")
"""Only these need looking up: most of a long output is plain ASCII."""
_TITLE_CHARS = 80
_NAMES = 12
"""Changed names of one sort that are listed."""

STATE_WORDS = {
    State.QUEUED: "queued",
    State.WAITING_APPROVAL: "waiting for you",
    State.RUNNING: "running",
    State.WAITING_INPUT: "waiting for input",
    State.OK: "ok",
    State.ERROR: "error",
    State.INTERRUPTED: "interrupted",
    State.ABORTED: "never ran",
    State.DENIED: "denied",
    State.RESTARTED: "restarted",
    State.LOST: "lost",
    State.FAILED: "failed",
}

_CHANGE_WORDS = (
    ("new", "new"),
    ("changed", "rebound"),
    ("changed", "mutated"),
    ("removed", "removed"),
    ("possibly changed", "possibly"),
)
"""(word, `Change.how`), in the order in which they are told."""


def duration_words(seconds: float) -> str:
    """`35 ms` · `0.42 s` · `4.2 s` · `12 s` · `3 min 05 s` · `2 h 05 min`."""
    if seconds < 0.0995:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return running_words(round(seconds))


def running_words(seconds: float) -> str:
    """The same for what still goes on: whole seconds, so that it ticks once a second."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def state_words(entry: Activity, now: float) -> str:
    """The state as people read it: `running 12 s`, `queued behind your cell`, `waiting for you`, `ok`."""
    if entry.state is State.RUNNING and entry.started_at is not None:
        return f"running {running_words(now - entry.started_at)}"
    if entry.state is State.QUEUED and entry.reason.startswith("queued"):
        return entry.reason
    return STATE_WORDS[entry.state]


def agent_state_words(entry: Activity, now: float) -> str:
    """The state as agents read it, to whom the person is `the user`."""
    if entry.state is State.WAITING_APPROVAL:
        return "waiting for the user's approval"
    return for_agents(state_words(entry, now))


def for_agents(sentence: str) -> str:
    """A sentence for people turned to the agent: `queued behind the user's cell`."""
    return sentence.replace("your cell", "the user's cell")


class Wish(enum.Enum):
    """What a call that waits for the person would do once they allow it."""

    RUN = "run"
    """Run its code."""
    TYPE = "type"
    """Give its text to a run that waits for input."""
    START = "start"
    """Start a kernel."""


def wish_of(entry: Activity) -> Wish:
    if entry.kind is Kind.RUN:
        return Wish.RUN
    return Wish.TYPE if entry.tool == "check_execution" else Wish.START


def question_words(entry: Activity) -> str:
    """What the person is asked; what would be run or typed is shown below it.

    `Claude Code wants to run this in Console 1/A` · `… to type this into Console 1/A` ·
    `… to start a kernel: /home/me/venv`.
    """
    wish = wish_of(entry)
    if wish is Wish.RUN:
        return f"{entry.client} wants to run this in {entry.kernel}"
    if wish is Wish.TYPE:
        return f"{entry.client} wants to type this into {entry.kernel}"
    environment = f": {entry.code}" if entry.tool == "start_kernel" else ""
    return f"{entry.client} wants to start a kernel{environment}"


def visible_code(code: str) -> str:
    """Code as a person must see it to judge it: characters that show nothing or turn the order of others are named.

    A right-to-left override can make code look like other code than what runs (CVE-2021-42574).
    """
    return _UNUSUAL.sub(_visible, code.replace("\r\n", "\n"))


def _visible(found: re.Match[str]) -> str:
    character = found.group()
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return f"⟨U+{ord(character):04X}⟩"


def title_words(entry: Activity) -> str:
    """One line that says what the call is: the first line of code, or the tool and its argument."""
    line = next((line.strip() for line in entry.code.splitlines() if line.strip()), "")
    runs_code = entry.tool in ("", "execute_code")
    title = line if runs_code else f"{entry.tool} {line}".rstrip()
    return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1] + "…"


def head_line(entry: Activity, kernel_label: str, now: float) -> str:
    """`Console 1/A · Spyder · In[41] · ok · 0.42 s`, for agents.

    What is not finished names its handle instead: `Console 1/A · Spyder · execution 7 · running 12 s`.
    """
    parts = [kernel_label]
    if not entry.state.is_final and entry.execution is not None:
        parts.append(f"execution {entry.execution}")
    elif entry.execution_count is not None:
        parts.append(f"In[{entry.execution_count}]")
    parts.append(agent_state_words(entry, now))
    if entry.duration_s is not None:
        parts.append(duration_words(entry.duration_s))
    return " · ".join(parts)


def changes_line(changes: Sequence[Change]) -> str:
    """`new: model (Ridge)   changed: X (1000×4 → 1000×5)   possibly changed: cache`; empty if nothing changed."""
    groups: dict[str, list[Change]] = {}
    for word, how in _CHANGE_WORDS:
        found = [change for change in changes if change.how == how]
        if found:
            groups.setdefault(word, []).extend(found)
    return "   ".join(f"{word}: {_names(found)}" for word, found in groups.items())


def _names(changes: Iterable[Change]) -> str:
    words = [f"{each.name} ({each.detail})" if each.detail else each.name for each in changes]
    if len(words) > _NAMES:
        words[_NAMES:] = [f"and {len(words) - _NAMES} more"]
    return ", ".join(words)
