"""Short, bounded texts of values: exact built-in types only, so that no code of the user runs."""

from __future__ import annotations

import datetime
import decimal
import fractions
import itertools
import pathlib
import types
import uuid
from typing import Any

from .objects import builtin_base, class_label, class_name, instance_dict, is_class, mro
from .scalars import scalar_text

_PLAIN = frozenset((bool, float, complex, type(None), type(Ellipsis), type(NotImplemented)))
_STDLIB = frozenset(
    (
        fractions.Fraction,
        uuid.UUID,
        datetime.date,
        datetime.timedelta,
        pathlib.PosixPath,
        pathlib.WindowsPath,
        pathlib.PurePosixPath,
        pathlib.PureWindowsPath,
    )
)
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
}
_EMPTY: dict[type, str] = {set: "set()", frozenset: "frozenset()"}
_MAX_ITEMS = 12


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, the cut marked."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def one_line(text: str, limit: int) -> str:
    """The text without line breaks and control characters, clipped."""
    head = clip(text, limit)
    return "".join(c if c.isprintable() else " " for c in head).strip()


def preview(obj: object, limit: int = 80, depth: int = 2) -> str:
    """What a value looks like, in at most `limit` characters; empty if only its own code could tell."""
    return clip(_preview(obj, limit, depth), limit)


def _preview(obj: Any, limit: int, depth: int) -> str:
    kind = type(obj)
    if kind in _PLAIN:
        return repr(obj)
    if kind is int:
        return _integer(obj)
    if kind in (str, bytes, bytearray):
        return _quoted(obj, limit)
    if kind in _BRACKETS:
        return _container(obj, kind, limit, depth)
    if kind is range:
        return _range(obj)
    if kind in _STDLIB or kind is decimal.Decimal:
        return _stdlib(obj, limit)
    return scalar_text(obj) or _code(obj, limit)


def _integer(value: int) -> str:
    return repr(value) if value.bit_length() <= 256 else f"<int of {value.bit_length()} bits>"


def _range(value: range) -> str:
    return repr(value) if abs(value.start) + abs(value.stop) < 10**30 else "range"


def _quoted(value: Any, limit: int) -> str:
    head = value[:limit]
    text = repr(bytes(head) if type(value) is bytearray else head)
    # Escapes may make the literal much longer than what it stands for.
    return text if len(value) <= limit and len(text) <= limit else clip(text, limit - 1) + "…"


def _stdlib(value: Any, limit: int) -> str:
    if type(value) is decimal.Decimal:
        return repr(value) if len(value.as_tuple().digits) <= limit else "Decimal"
    if type(value) is fractions.Fraction and value.denominator.bit_length() > 256:
        return "Fraction"
    return str(value) if type(value) is not fractions.Fraction else repr(value)


def _container(obj: Any, kind: type, limit: int, depth: int) -> str:
    opening, closing = _BRACKETS[kind]
    if not obj:
        return _EMPTY.get(kind, opening + closing)
    if depth <= 0:
        return opening + "…" + closing
    shown = _items(obj, kind, limit - 2, depth - 1)
    if len(shown) < len(obj):
        shown.append("…")
    return opening + ", ".join(shown) + closing


def _items(obj: Any, kind: type, room: int, depth: int) -> list[str]:
    shown: list[str] = []
    try:
        for item in itertools.islice(obj.items() if kind is dict else obj, _MAX_ITEMS):
            text = _item(item, kind, depth)
            room -= len(text) + 2
            if room < 0 and shown:
                break
            shown.append(text)
    except RuntimeError:
        pass  # The user's thread changed it meanwhile; what was seen is enough.
    return shown


def _item(item: Any, kind: type, depth: int) -> str:
    if kind is dict:
        return _named(item[0], 0) + ": " + _named(item[1], depth)
    return _named(item, depth)


def _named(obj: object, depth: int) -> str:
    """A preview, or the class of an object that has none."""
    return preview(obj, 28, depth) or "<" + clip(class_label(type(obj)), 26) + ">"


def label(obj: object, limit: int = 40) -> str:
    """A column label, a key or a name: a string without its quotes."""
    if type(obj) is str:
        return one_line(obj[: limit + 1], limit)
    return preview(obj, limit) or "<" + clip(class_label(type(obj)), limit - 2) + ">"


def _code(obj: Any, limit: int) -> str:
    kind = type(obj)
    if kind is types.FunctionType:
        return clip(str(obj.__name__), 40) + signature(obj, limit)
    if kind is types.BuiltinFunctionType:
        return clip(str(obj.__name__), limit)
    if types.ModuleType in mro(kind):
        name = (instance_dict(obj) or {}).get("__name__")
        return clip(name, limit) if type(name) is str else ""
    if is_class(obj):
        return "class " + clip(class_label(obj), limit)
    base = builtin_base(obj)
    if base in (int, float, complex) and base is not None:
        return clip(str(base.__repr__(obj)), limit)
    return ""


def signature(function: types.FunctionType, limit: int = 200) -> str:
    """`(x, y=1, *rest)` of a plain function, from its code object: `inspect.signature` would ask its attributes."""
    code = function.__code__
    names = code.co_varnames
    positional = names[: code.co_argcount]
    after = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = function.__defaults__ or ()
    required = len(positional) - len(defaults)
    parts = [
        name if i < required else _defaulted(name, defaults[i - required])
        for i, name in enumerate(positional)
    ]
    if code.co_posonlyargcount:
        parts.insert(code.co_posonlyargcount, "/")
    rest = names[code.co_argcount + code.co_kwonlyargcount :]
    parts += _after_star(function, after, rest)
    return clip("(" + ", ".join(parts) + ")", limit)


def _after_star(
    function: types.FunctionType, after: tuple[str, ...], rest: tuple[str, ...]
) -> list[str]:
    flags = function.__code__.co_flags
    keywords = function.__kwdefaults__ or {}
    parts = []
    if flags & 0x04:
        parts.append("*" + rest[0])
        rest = rest[1:]
    elif after:
        parts.append("*")
    parts += [_defaulted(n, keywords[n]) if n in keywords else n for n in after]
    if flags & 0x08:
        parts.append("**" + rest[0])
    return parts


def _defaulted(name: str, value: object) -> str:
    return name + "=" + (preview(value, 24) or "<" + clip(class_name(type(value)), 22) + ">")


def clean(value: Any) -> Any:
    """A JSON value whose texts can be sent: lone surrogates, which UTF-8 cannot carry, are escaped."""
    if type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if type(value) is dict:
        return {clean(key): clean(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [clean(item) for item in value]
    return value
