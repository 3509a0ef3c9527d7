"""Who did what in one kernel: calls of agents and cells of the user, numbered, bounded, with cursors.

An entry never changes: each step of a call is a new `Activity` under the same `number`, and `ActivityLog` keeps the
newest one of each. What people see (Spyder's pane, VS Code's tree, the terminal) and what agents read
(`recent_activity`) are both drawn from here.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cokernel.kernel.namespace import Change as Change

MAX_CHARS = 16_000_000
"""Of code and tracebacks in one log: a bridge lives in its user's IDE."""


class Origin(enum.Enum):
    """Whose code it was."""

    USER = "user"
    AGENT = "agent"


class Kind(enum.Enum):
    """What sort of call it was. Looks are quieter than runs wherever people see them."""

    RUN = "run"
    LOOK = "look"
    CONTROL = "control"


class State(enum.Enum):
    """Where an entry stands. The values are stable and go over the wire."""

    QUEUED = "queued"
    """Behind a cell of the user, or behind another run of an agent."""
    WAITING_APPROVAL = "waiting_approval"
    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    """The code called `input()`; answered through `check_execution`."""
    OK = "ok"
    ERROR = "error"
    """The code raised."""
    INTERRUPTED = "interrupted"
    ABORTED = "aborted"
    """It never ran: a cell before it failed, or it was taken back while it was queued."""
    DENIED = "denied"
    RESTARTED = "restarted"
    """The kernel was restarted while it ran; it may have partly run."""
    LOST = "lost"
    """The kernel went away while it ran; it may have partly run."""
    FAILED = "failed"
    """Not a run: a look or a control call that ended with an error of cokernel's."""

    @property
    def is_final(self) -> bool:
        return self not in _UNFINISHED


_UNFINISHED = {State.QUEUED, State.WAITING_APPROVAL, State.RUNNING, State.WAITING_INPUT}


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """A Python exception, as people and agents read it."""

    ename: str
    evalue: str
    traceback: str
    """The user's frames, without ANSI codes, at most a few thousand characters."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One call of an agent or one cell of the user, as it stands now."""

    number: int
    """Counts up from 1 in one session; the same for every step of one call."""
    origin: Origin
    kind: Kind
    state: State
    client_id: str
    """Empty for the user."""
    client: str
    """The client's own name (`Claude Code`); `you` for the user."""
    kernel_id: str
    kernel: str
    """Title of the kernel: `Console 1/A`."""
    tool: str
    """`execute_code`, `list_variables`, …; empty for a cell of the user."""
    code: str
    """The whole code of a run; the argument of any other call, as text."""
    created_at: float
    """Seconds since the epoch."""
    started_at: float | None = None
    """When the kernel began with it; None before that."""
    finished_at: float | None = None
    execution: int | None = None
    """What agents name the run by (`execution 7`); None if it is no run of an agent."""
    execution_count: int | None = None
    """The kernel's `In [n]`."""
    background: bool = False
    reason: str = ""
    """Why it waits or how it ended, for people: `queued behind your cell`, `Console 1/A was closed`."""
    error: ErrorSummary | None = None
    changes: tuple[Change, ...] = ()
    approval: str = ""
    """The id to answer with while `state` is `waiting_approval`; else empty."""

    @property
    def duration_s(self) -> float | None:
        """Seconds in the kernel (a run) or in all (any other call); None while unfinished or if it never ran."""
        if self.finished_at is None or self.started_at is None:
            return None
        return self.finished_at - self.started_at


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """What happened since a cursor."""

    entries: tuple[Activity, ...]
    """In order of their last change."""
    cursor: int
    """Hand it back to get only what came later."""
    missed: int
    """Changes that were forgotten because the log is bounded."""


@dataclass
class Sequence:
    """Counts for all sessions of one bridge, so that numbers and cursors stay valid when a share changes kernels."""

    entries: int = 0
    executions: int = 0
    revisions: int = 0

    def next_entry(self) -> int:
        self.entries += 1
        return self.entries

    def next_execution(self) -> int:
        self.executions += 1
        return self.executions

    def next_revision(self) -> int:
        self.revisions += 1
        return self.revisions


@dataclass
class ActivityLog:
    """The newest step of each entry of one kernel, bounded in number and size. Owned by its `Session`."""

    sequence: Sequence
    on_change: Callable[[Activity], None]
    capacity: int = 10_000
    max_chars: int = MAX_CHARS
    _chars: int = 0
    """In all entries."""
    _entries: dict[int, tuple[int, Activity]] = field(default_factory=dict)
    """number → (revision, entry), in order of the last change."""
    _forgotten: list[int] = field(default_factory=list)
    """Revisions of the newest changes that were dropped, at most `capacity` of them."""

    def put(self, entry: Activity) -> None:
        """Record a step and tell the observer."""
        _, before = self._entries.pop(entry.number, (0, None))
        self._entries[entry.number] = (self.sequence.next_revision(), entry)
        self._chars += _size(entry) - (_size(before) if before else 0)
        self._forget_oldest_finished()
        self.on_change(entry)

    def get(self, number: int) -> Activity | None:
        """The newest step of an entry; None if there is none or it was forgotten."""
        found = self._entries.get(number)
        return found[1] if found else None

    def since(self, cursor: int) -> ActivityPage:
        """Entries whose last change is newer than `cursor` (0: all that is kept)."""
        newer = tuple(entry for revision, entry in self._entries.values() if revision > cursor)
        missed = sum(revision > cursor for revision in self._forgotten)
        return ActivityPage(newer, self.sequence.revisions, missed)

    def __iter__(self) -> Iterator[Activity]:
        return (entry for _, entry in sorted(self._entries.values(), key=_number_of))

    def __len__(self) -> int:
        return len(self._entries)

    def _forget_oldest_finished(self) -> None:
        while len(self._entries) > self.capacity or self._chars > self.max_chars:
            older = itertools.islice(self._entries.items(), len(self._entries) - 1)
            oldest = next((n for n, (_, entry) in older if entry.state.is_final), None)
            if oldest is None:
                return
            revision, entry = self._entries.pop(oldest)
            self._chars -= _size(entry)
            self._forgotten.append(revision)
            del self._forgotten[: -self.capacity]


def _size(entry: Activity) -> int:
    """In characters, about; the rest of an entry is small."""
    error = entry.error
    return len(entry.code) + (len(error.traceback) + len(error.evalue) if error else 0)


def _number_of(item: tuple[int, Activity]) -> int:
    return item[1].number
