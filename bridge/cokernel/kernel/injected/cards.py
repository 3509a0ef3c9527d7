"""A page about one object, for people and agents."""

from __future__ import annotations

import collections
import inspect
import itertools
import linecache
import types
from typing import Any

from . import libraries, tables
from .briefs import brief
from .budgets import Deadline
from .objects import (
    builtin_base,
    class_dict,
    class_label,
    class_name,
    instance_dict,
    is_class,
    module_of,
    mro,
    type_label,
)
from .texts import clip, label, one_line, preview, signature

SECONDS = 1.0
MAX_TEXT = 8_000
MAX_LINE = 400
MAX_DOC = 1_500
MAX_SOURCE_LINES = 80
MAX_MEMBERS = 60


def card(name: str, obj: Any) -> dict[str, Any]:
    """What is known of `obj`, at most `MAX_TEXT` characters."""
    deadline = Deadline(SECONDS)
    about = brief(obj)
    size = "" if about.size_bytes is None else f", {_bytes(about.size_bytes)}"
    first = f"{name}: {about.type} {about.shape}".rstrip() + size
    try:
        lines = _body(obj, deadline)
    except Exception as error:  # noqa: BLE001 - a library may fail in any way (its object may change meanwhile)
        lines = [f"({type(error).__name__} while looking at it; try again)"]
    text = "\n".join(clip(line, MAX_LINE) for line in [first, *lines])
    truncated = "time" if deadline.over else "size" if len(text) > MAX_TEXT else ""
    return {
        "exists": True,
        "type": about.type,
        "text": clip(text, MAX_TEXT),
        "truncated": truncated,
    }


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _body(obj: Any, deadline: Deadline) -> list[str]:
    kind = libraries.library_kind(obj)
    if kind in tables.CARDS:
        return list(tables.CARDS[kind](obj, deadline))
    if kind:
        return [libraries.preview_of(kind, obj, MAX_LINE)]
    if type(obj) is types.FunctionType:
        return _function(obj)
    if types.ModuleType in mro(type(obj)):
        return _module(obj)
    if is_class(obj):
        return _class(obj)
    if type(obj) is collections.deque:
        return _numbered(list(itertools.islice(obj, MAX_MEMBERS)), len(obj))
    base = builtin_base(obj)
    if base is dict:
        return _mapping(obj)
    if base in (list, tuple):
        return _sequence(obj, base)
    text = preview(obj, MAX_TEXT // 2)
    if type(obj) in (types.BuiltinFunctionType, types.MethodDescriptorType) or _is_ufunc(obj):
        return [text, *_doc(obj.__doc__)]
    return [text] if text else _instance(obj)


def _is_ufunc(obj: object) -> bool:
    """Whether it is a function of numpy's that is written in C, or wraps one that is not."""
    cls = type(obj)
    return module_of(cls) == "numpy" and class_name(cls) in ("ufunc", "_ArrayFunctionDispatcher")


def _function(function: types.FunctionType) -> list[str]:
    code = function.__code__
    lines = [clip(function.__name__, 80) + signature(function, MAX_LINE)]
    lines += _doc(function.__doc__)
    try:
        block = inspect.getblock(linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :])
    except (OSError, SyntaxError, IndexError):
        block = []
    if not block:
        return [*lines, "(its source is not at hand)"]
    shown = [line.rstrip()[:MAX_LINE] for line in block[:MAX_SOURCE_LINES]]
    cut = len(block) - len(shown)
    return [*lines, "source:", *shown, *([f"… {cut} more lines"] if cut else [])]


def _doc(text: Any) -> list[str]:
    if type(text) is not str or not text.strip():
        return []
    return clip(inspect.cleandoc(text[: MAX_DOC * 2]), MAX_DOC).splitlines()


def _module(module: Any) -> list[str]:
    names = instance_dict(module) or {}
    public = [n for n in list(names) if type(n) is str and not n.startswith("_")]
    file = names.get("__file__")
    lines = _doc(names.get("__doc__"))[:12]
    if type(file) is str:
        lines.append("file: " + clip(file, 300))
    return [*lines, _listed("names", public)]


def _class(cls: type) -> list[str]:
    bases = ", ".join(class_label(base) for base in mro(cls)[1:6])
    own = class_dict(cls)
    lines = [f"class {class_label(cls)}({bases})", *_doc(own.get("__doc__"))]
    start = own.get("__init__")
    if type(start) is types.FunctionType:
        lines.append("__init__" + signature(start, MAX_LINE))
    members = [n for n in list(own) if type(n) is str and not n.startswith("_")]
    return [*lines, _listed("members", members)]


def _listed(title: str, names: list[str]) -> str:
    more = f", … {len(names) - MAX_MEMBERS} more" if len(names) > MAX_MEMBERS else ""
    return f"{title}: {', '.join(clip(name, 40) for name in names[:MAX_MEMBERS])}{more}"


def _mapping(mapping: Any) -> list[str]:
    items = list(itertools.islice(dict.items(mapping), MAX_MEMBERS))
    lines = [f"{label(key)}: {_line(value)}" for key, value in items]
    more = dict.__len__(mapping) - len(items)
    return [*lines, *([f"… {more} more keys"] if more > 0 else [])]


def _sequence(sequence: Any, base: Any) -> list[str]:
    return _numbered(base.__getitem__(sequence, slice(0, MAX_MEMBERS)), base.__len__(sequence))


def _numbered(items: Any, count: int) -> list[str]:
    lines = [f"[{i}] {_line(value)}" for i, value in enumerate(items)]
    return [*lines, *([f"… {count - len(lines)} more items"] if count > len(lines) else [])]


def _line(value: object) -> str:
    """One value inside another."""
    about = brief(value, 120)
    if type(value) in (int, float, complex, bool, str, type(None)):
        return about.preview
    return one_line(f"{about.type} {about.shape} {about.preview}", 200)


def _instance(obj: Any) -> list[str]:
    """An object of a class we know nothing of: what it stores, and what its class says."""
    cls = type(obj)
    lines = [f"class {class_label(cls)} from {clip(module_of(cls) or 'an unknown module', 80)}"]
    lines += _doc(class_dict(cls).get("__doc__"))[:4]
    attributes = instance_dict(obj) or {}
    items = list(itertools.islice(attributes.items(), MAX_MEMBERS))
    lines += [f".{label(name)}: {_line(value)}" for name, value in items]
    if len(attributes) > len(items):
        lines.append(f"… {len(attributes) - len(items)} more attributes")
    methods = [
        name
        for name, member in list(class_dict(cls).items())
        if type(name) is str and not name.startswith("_") and type(member) is types.FunctionType
    ]
    if methods:
        lines.append(_listed("methods", methods))
    return [*lines, f"({type_label(obj)} is shown by what it stores; its own code was not run)"]
