"""The user's names, and a listing of them."""

from __future__ import annotations

import fnmatch
import types
from typing import Any

from .briefs import brief
from .budgets import Deadline
from .objects import MISSING, mro
from .texts import clip, preview

LIST_SECONDS = 0.2
LIST_BYTES = 64_000
MAX_NAME = 200


def user_names(shell: Any) -> list[str]:
    """Names the user made: no underscore, none of IPython's own, none that is not a string."""
    namespace, hidden = shell.user_ns, shell.user_ns_hidden
    found = []
    for name in list(namespace):  # One call into C: no other thread can change the dict meanwhile.
        if type(name) is not str or name.startswith("_"):
            continue
        value = namespace.get(name, MISSING)
        if value is not MISSING and hidden.get(name, MISSING) is not value:
            found.append(name)
    return found


def is_module(obj: object) -> bool:
    return type(obj) is types.ModuleType or types.ModuleType in mro(type(obj))


def listing(
    shell: Any, pattern: str, offset: int, limit: int, changed_at: dict[str, float]
) -> dict[str, Any]:
    """A page of the namespace in alphabetical order; modules apart."""
    deadline = Deadline(LIST_SECONDS)
    names = sorted(filter(matcher(pattern), user_names(shell)), key=lambda n: (n.lower(), n))
    namespace = shell.user_ns
    modules = [name for name in names if is_module(namespace.get(name))]
    values = [name for name in names if not is_module(namespace.get(name))]
    shown: list[dict[str, Any]] = []
    room, truncated = LIST_BYTES, ""
    for name in values[offset : offset + limit]:
        if deadline.over:
            truncated = "time"
            break
        entry = _entry(name, namespace.get(name, MISSING), changed_at)
        room -= sum(len(str(field)) for field in entry.values()) + 60
        if room < 0:
            truncated = "size"
            break
        shown.append(entry)
    return {
        "variables": shown,
        "total": len(values),
        "offset": offset,
        "truncated": truncated,
        "modules": [_module_line(name, namespace.get(name)) for name in modules[:40]],
    }


def matcher(pattern: str) -> Any:
    """A test for names: shell-style if it has a wildcard, else a part of the name; in any case of letters."""
    wanted = pattern.strip().lower()
    if any(c in wanted for c in "*?["):
        return lambda name: fnmatch.fnmatchcase(name.lower(), wanted)
    return lambda name: wanted in name.lower()


def _entry(name: str, value: object, changed_at: dict[str, float]) -> dict[str, Any]:
    about = brief(value) if value is not MISSING else brief(None)
    return {
        "name": clip(name, MAX_NAME),
        "type": about.type,
        "shape": about.shape,
        "size_bytes": about.size_bytes,
        "preview": about.preview,
        "changed_by_agent": changed_at.get(name),
    }


def _module_line(name: str, module: object) -> str:
    full_name = preview(module, 60)
    return clip(name, 60) if full_name in ("", name) else f"{clip(name, 60)} = {full_name}"
