"""Looks up what a path names (`df`, `cfg["k"][0]`, `model.coef_`) without running code.

Paths arrive in steps: the host has parsed them, since parsing here could meet the parsing of a cell in another thread.
"""

from __future__ import annotations

import builtins
import collections
import difflib
import types
from typing import Any

from . import libraries
from .objects import (
    MISSING,
    builtin_base,
    class_dict,
    instance_dict,
    is_class,
    mro,
    type_label,
)
from .texts import clip, label

MAX_LABELS = 20_000

_TABLE_FACTS = frozenset(("columns", "dtype", "dtypes", "index", "name", "shape", "size"))


class NotThereError(Exception):
    """The path leads nowhere. The message says where it ends."""


class NeedsCodeError(Exception):
    """Only code of the object itself could answer."""


Step = Any
"""(`name`, `attribute` or `item`; the name or the key)."""


def steps_of(content: list[Any]) -> list[Step]:
    """Steps as they come over the wire, where a tuple is a list."""
    return [(str(how), _key(what)) for how, what in content]


def _key(value: Any) -> Any:
    return tuple(_key(item) for item in value) if type(value) is list else value


def written(steps: list[Step]) -> str:
    """The path as text again."""
    text = ""
    for how, what in steps:
        text += {"name": "{}", "attribute": ".{}", "item": "[{!r}]"}[how].format(what)
    return clip(text, 120)


def look_up(steps: list[Step], namespace: dict[str, Any], names: list[str]) -> Any:
    """The object at the end of a path; `names` are offered when the first one does not exist.

    Raises `NotThereError` or `NeedsCodeError`.
    """
    value = _first(steps[0][1], namespace, names)
    for i, (how, what) in enumerate(steps[1:], 1):
        step = _attribute if how == "attribute" else _item
        try:
            value = step(value, what)
        except (LookupError, TypeError) as error:
            where = written(steps[:i])
            raise NotThereError(
                f"{where} has no {written(steps[i : i + 1])}. {_text(error)}"
            ) from None
    return value


def _text(error: Exception) -> str:
    return clip(str(error.args[0]), 300) if error.args and type(error.args[0]) is str else ""


def _first(name: str, namespace: dict[str, Any], names: list[str]) -> Any:
    value = namespace.get(name, MISSING)
    if value is MISSING:
        value = builtins.__dict__.get(name, MISSING)
    if value is not MISSING:
        return value
    near = difflib.get_close_matches(name, names[:2000], 3)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise NotThereError(f"There is no name {clip(name, 80)} in the kernel.{hint}")


def _attribute(obj: Any, name: str) -> Any:
    kind = libraries.library_kind(obj)
    if kind in ("pandas.DataFrame", "polars.DataFrame") and name not in _TABLE_FACTS:
        return _column(kind, obj, name)
    if kind and name in _TABLE_FACTS:
        return getattr(obj, name)
    if is_class(obj):
        return _plain(_from_classes(mro(obj), name), obj, name)
    attributes = instance_dict(obj)
    if attributes is not None and name in attributes:
        return attributes[name]
    classes = mro(type(obj))
    try:
        return _plain(_from_classes(classes, name), obj, name)
    except LookupError:
        if _from_any(classes, "__getattr__"):
            raise NeedsCodeError(
                f"{clip(name, 80)} of {type_label(obj)} is computed by code."
            ) from None
        raise


def _from_classes(classes: tuple[type, ...], name: str) -> Any:
    for cls in classes:
        found = class_dict(cls).get(name, MISSING)
        if found is not MISSING:
            return found
    raise LookupError("")


def _plain(found: Any, obj: Any, name: str) -> Any:
    """What a class holds under a name, unless reading it from `obj` would run code."""
    kind = type(found)
    if kind in (staticmethod, classmethod):
        return found.__func__
    if kind in _STORED and not is_class(obj):
        try:
            return found.__get__(obj)
        except AttributeError:
            raise LookupError("") from None
    if kind in (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType):
        return found
    if kind in _COMPUTED or _from_any(mro(kind), "__get__"):
        raise NeedsCodeError(f"{clip(name, 80)} of {type_label(obj)} is computed by code.")
    return found


_COMPUTED = frozenset((property, types.GetSetDescriptorType))
_STORED = frozenset(
    (types.MemberDescriptorType, type(collections.namedtuple("_", "x").__dict__["x"]))
)
"""Descriptors of slots and of named tuples' fields, which only read."""


def _from_any(classes: tuple[type, ...], name: str) -> bool:
    return any(name in class_dict(cls) for cls in classes)


def _item(obj: Any, key: Any) -> Any:
    kind = libraries.library_kind(obj)
    if kind in ("pandas.DataFrame", "polars.DataFrame"):
        return _column(kind, obj, key)
    if kind == "numpy.ndarray":
        return _element(obj, key)
    if kind in ("xarray.Dataset", "xarray.DataArray") and type(key) is str:
        return obj[key]
    base = builtin_base(obj)
    if base is dict:
        return _value(obj, key)
    if base in (list, tuple, str, bytes) and base is not None:
        if type(key) is not int:
            raise LookupError("")
        count = base.__len__(obj)
        if not -count <= key < count:
            raise LookupError(f"It has {count} items.")
        return base.__getitem__(obj, key)
    raise NeedsCodeError(f"A subscript of {type_label(obj)} is computed by code.")


def _value(mapping: Any, key: Any) -> Any:
    found = dict.get(mapping, key, MISSING)
    if found is MISSING:
        keys = ", ".join(label(k, 30) for k in list(dict.keys(mapping))[:12])
        raise LookupError(f"Its keys are: {keys}" if keys else "It is empty.")
    return found


def _element(array: Any, key: Any) -> Any:
    keys = key if type(key) is tuple else (key,)
    if any(type(k) not in (int, str) for k in keys):
        raise NeedsCodeError("That subscript of an array is computed by code.")
    try:
        return array[key]
    except (IndexError, ValueError) as error:
        raise LookupError(str(error)) from None


def _column(kind: str, frame: Any, key: Any) -> Any:
    """One column, found by comparing labels: an index lookup would build and keep a hash table."""
    labels = frame._mgr.axes[0] if kind == "pandas.DataFrame" else frame.columns
    for i in range(min(len(labels), MAX_LABELS)):
        found = labels[i]
        if libraries.library_kind(found) == "numpy scalar":
            found = found.item()
        if type(found) is type(key) and found == key:
            return frame.iloc[:, i] if kind == "pandas.DataFrame" else frame.get_column(key)
    some = ", ".join(label(labels[i], 30) for i in range(min(len(labels), 12)))
    raise LookupError(f"Its columns are: {some}")
