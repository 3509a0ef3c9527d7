"""What can be known of a kernel's namespace and of what it is at, without running code there."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """One name that an execution changed."""

    name: str
    how: str
    """`new`, `removed`, `rebound`, `mutated` or `possibly` (referenced, mutable, too large to compare)."""
    detail: str = ""
    """Such as `DataFrame 1000×4` or `DataFrame 1000×4 → DataFrame 1000×5`."""


class VariableEntry(NamedTuple):
    """One name of the user's namespace."""

    name: str
    type: str
    """The class with the root of its module: `list`, `pandas.DataFrame`."""
    shape: str
    """`1000×4`, `len 12`; empty if it has none."""
    size_bytes: int | None
    """Of its own data, not of what it refers to; None where only looking at all of it would tell."""
    preview: str
    """At most 80 characters; empty for objects that only their own code could show."""
    changed_by_agent: float | None
    """When a run of an agent last changed it (seconds since the epoch, the kernel's clock); None if never."""


class VariableListing(NamedTuple):
    """A page of the namespace in alphabetical order."""

    variables: tuple[VariableEntry, ...]
    total: int
    """How many match in all."""
    offset: int
    truncated: str
    """Why the page ends before its limit: `time`, `size`, or empty."""
    modules: tuple[str, ...]
    """Names of imported modules, apart from the rest: `np = numpy`."""


class Description(NamedTuple):
    """A page about one object."""

    expression: str
    exists: bool
    type: str
    """Empty if it does not exist."""
    text: str
    """At most about 8,000 characters. If it does not exist: where the path ends, and what there is."""
    truncated: str
    """`time`, `size`, or empty."""


class Frame(NamedTuple):
    """One line that is being executed."""

    file: str
    """`cell` for the code of a cell."""
    line: int
    function: str
    source: str
    """The line itself, at most 200 characters; empty if it is not at hand."""

    def __str__(self) -> str:
        """`cell, line 3, in <module>: time.sleep(1)`"""
        where = f"{self.file}, line {self.line}, in {self.function}"
        return f"{where}: {self.source}" if self.source else where


class Running(NamedTuple):
    """What the kernel's main thread is at."""

    busy: bool
    """Whether any code runs, also one that is no cell."""
    msg_id: str | None
    """The `execute_request` whose cell runs; None if none does (silent code of an IDE is no cell)."""
    is_ours: bool
    """Whether a bridge sent it."""
    since: float | None
    """When it began (seconds since the epoch, the kernel's clock)."""
    elapsed_s: float | None
    waiting_for_input: bool
    """Whether it waits for the answer to `input()` or `getpass()`."""
    frames: tuple[Frame, ...]
    """The user's frames, outermost first, and the innermost one whosever it is; at most 12."""
