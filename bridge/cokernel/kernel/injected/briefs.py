"""One line about one value: type, shape, size, preview."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

from . import libraries
from .objects import builtin_base, type_label
from .texts import clip, preview

_SIZED = frozenset((dict, list, tuple, set, frozenset, str, bytes, bytearray))


class Brief:
    """What a listing says about one value."""

    __slots__ = ("preview", "shape", "size_bytes", "type")

    def __init__(self, type_: str, shape: str, size_bytes: int | None, text: str) -> None:
        self.type = type_
        self.shape = shape
        self.size_bytes = size_bytes
        self.preview = text


def headline(obj: Any) -> str:
    """What a change is told by, quickly: `DataFrame 1000×4`, `list len 2`; a plain value itself."""
    kind = type(obj)
    if kind in _PLAIN:
        return preview(obj, 40)
    if kind in _SIZED:
        return f"{kind.__name__} len {len(obj)}"
    name = type_label(obj).rpartition(".")[2]
    library = libraries.library_kind(obj)
    if library:
        try:
            return f"{name} {libraries.shape_of(library, obj)}".rstrip()
        except Exception:  # noqa: BLE001 - a library may fail in any way (a half-built or changing object)
            return name
    base: Any = builtin_base(obj)
    return f"{name} len {base.__len__(obj)}" if base in _SIZED else name


_PLAIN = frozenset((int, float, complex, bool, type(None)))


def brief(obj: Any, limit: int = 80) -> Brief:
    """Type, shape, bytes and preview of any value, without running its code."""
    kind = libraries.library_kind(obj)
    if kind:
        return _library_brief(kind, obj, limit)
    base: Any = builtin_base(obj)
    if base in _SIZED:
        # The base class's own method: a subclass may have another `__len__`.
        count = base.__len__(obj)
        size = sys.getsizeof(obj) if type(obj) is base else None
        return Brief(type_label(obj), f"len {count}", size, preview(obj, limit))
    if type(obj) is deque:
        return Brief("deque", f"len {len(obj)}", None, "")
    return Brief(type_label(obj), "", None, preview(obj, limit))


def _library_brief(kind: str, obj: Any, limit: int) -> Brief:
    try:
        shape = libraries.shape_of(kind, obj)
        size = libraries.size_of(kind, obj)
        text = libraries.preview_of(kind, obj, limit)
    except Exception as error:  # noqa: BLE001 - a library may fail in any way (a half-built or changing object)
        return Brief(
            type_label(obj), "", None, clip(f"({type(error).__name__} while looking)", limit)
        )
    return Brief(type_label(obj), shape, size, text)
