"""What changed in the user's names between two moments."""

from __future__ import annotations

import types
from typing import Any

from .briefs import headline
from .budgets import Deadline
from .fingerprints import fingerprint, is_immutable
from .names import MAX_NAME, is_module, user_names
from .objects import MISSING, instance_dict, module_of
from .texts import clip
from .uses import Uses

SECONDS = 0.25
MAX_CHANGES = 60

_LIBRARIES = """IPython bokeh builtins collections copy json math matplotlib numpy os pandas pickle
plotly polars pyarrow random re scipy seaborn sklearn statistics statsmodels sys time torch warnings
xarray"""
_READING_LIBRARIES = frozenset(_LIBRARIES.split())
"""Their functions leave their arguments alone, as a rule."""


class Entry:
    """One name at one moment. Keeps no reference to the value."""

    __slots__ = ("address", "exact", "headline", "immutable", "kind", "print")

    def __init__(self, value: Any, in_time: bool) -> None:
        self.address = id(value)
        self.kind = id(type(value))
        self.print: int | None = None
        """None if there was no time for it: then nothing can be said of changes in place."""
        self.exact = False
        if in_time:
            self.print, self.exact = fingerprint(value)
        self.immutable = is_immutable(value)
        self.headline = headline(value)


def snapshot(shell: Any) -> dict[str, Entry]:
    """All names of the user as they are now, modules left out."""
    deadline = Deadline(SECONDS)
    namespace = shell.user_ns
    entries = {}
    for name in user_names(shell):
        value = namespace.get(name, MISSING)
        if value is not MISSING and not is_module(value):
            entries[name] = Entry(value, not deadline.over)
    return entries


def difference(
    old: dict[str, Entry], new: dict[str, Entry], suspects: set[str]
) -> list[dict[str, str]]:
    """Changes from `old` to `new`; `suspects` may have changed where the comparison is not exact."""
    changes = [_change(name, "new", new[name].headline) for name in new if name not in old]
    changes += [_change(name, "removed", old[name].headline) for name in old if name not in new]
    for name, after in new.items():
        before = old.get(name)
        how = "" if before is None else _how(before, after, name in suspects)
        if before is not None and how:
            changes.append(_change(name, how, _detail(before, after, how)))
    return changes


def _how(before: Entry, after: Entry, suspect: bool) -> str:
    if before.kind != after.kind:
        return "rebound"
    if before.address != after.address:
        same = before.immutable and before.print == after.print
        return "" if same else "rebound"
    if before.print != after.print and None not in (before.print, after.print):
        return "rebound" if before.immutable else "mutated"
    return "possibly" if suspect and not after.exact else ""


def _detail(before: Entry, after: Entry, how: str) -> str:
    if how == "possibly" or before.headline == after.headline:
        return after.headline
    return f"{before.headline} → {after.headline}"


def _change(name: str, how: str, detail: str) -> dict[str, str]:
    return {"name": clip(name, MAX_NAME), "how": how, "detail": clip(detail, 120)}


def bounded(changes: list[dict[str, str]]) -> dict[str, Any]:
    """The changes as they go over the wire."""
    return {"changes": changes[:MAX_CHANGES], "more": max(0, len(changes) - MAX_CHANGES)}


def suspects(uses: Uses | None, shell: Any, entries: dict[str, Entry]) -> set[str]:
    """Names that the cell may have changed in place, with all other names of the same objects."""
    if uses is None:
        return set(entries)
    namespace = shell.user_ns
    found = set(uses.written)
    found.update(name for name, callee in uses.passed if not _only_reads(namespace.get(callee)))
    for callee in uses.called:
        found.update(_globals_of(namespace.get(callee)))
    addresses = {entries[name].address for name in found if name in entries}
    return {name for name, entry in entries.items() if entry.address in addresses}


def _only_reads(callee: Any) -> bool:
    """Whether functions and objects of this library leave their arguments alone, as a rule."""
    if is_module(callee):
        name = (instance_dict(callee) or {}).get("__name__")
        return type(name) is str and name.partition(".")[0] in _READING_LIBRARIES
    if type(callee) is types.FunctionType:
        module = callee.__module__
        return type(module) is str and module.partition(".")[0] in _READING_LIBRARIES
    return module_of(type(callee)).partition(".")[0] in (_READING_LIBRARIES - {"builtins"})


def _globals_of(function: Any) -> tuple[str, ...]:
    if type(function) is not types.FunctionType:
        return ()
    return tuple(function.__code__.co_names)
