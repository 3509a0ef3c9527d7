"""A small number that changes when a value is changed in place, and whether that is certain.

Large values are compared by a sample only: their fingerprint is not exact. Addresses of elements may be used again
after an element was freed, so plain values count by what they are, all others by where they are.
"""

from __future__ import annotations

import itertools
import types
import zlib
from typing import Any

from . import libraries
from .budgets import Allowance
from .objects import instance_dict, is_class, mro

MAX_DEPTH = 4
MAX_ITEMS = 2_000
MAX_BYTES = 1_000_000
"""Of one value, like `MAX_ITEMS`."""
SAMPLE = 512
_COLUMNS = 100

_BY_VALUE = frozenset((int, float, complex, bool, type(None), bytes, str))
_FROZEN = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    types.MethodType,
    range,
)


def fingerprint(obj: Any) -> tuple[int, bool]:
    """A hash of what `obj` is now, and whether every part of it is in the hash."""
    return _fingerprint(obj, Allowance(MAX_BYTES, MAX_ITEMS), MAX_DEPTH)


def _fingerprint(obj: Any, allowance: Allowance, depth: int) -> tuple[int, bool]:
    kind = type(obj)
    if kind in _BY_VALUE:
        return _plain(obj), True
    if kind in (list, tuple, set, frozenset):
        return _sequence(obj, allowance, depth)
    if kind is dict:
        return _mapping(obj, allowance, depth)
    if kind in _FROZEN or is_class(obj):
        return 0, True
    library = libraries.library_kind(obj)
    if library:
        return _library(library, obj, allowance)
    return _instance(obj, allowance, depth)


def is_immutable(obj: object) -> bool:
    """Whether an equal fingerprint means an equal value, so that binding it anew changes nothing."""
    return type(obj) in _BY_VALUE


def _plain(obj: Any) -> int:
    if type(obj) in (str, bytes) and len(obj) > MAX_BYTES:
        return hash((len(obj), id(obj)))
    # `hash(nan)` follows its address.
    return hash(repr(obj)) if type(obj) in (float, complex) else hash((type(obj).__name__, obj))


def _element(obj: Any, allowance: Allowance, depth: int) -> tuple[int, bool]:
    if type(obj) in _BY_VALUE:
        return _plain(obj), True
    inner, exact = _fingerprint(obj, allowance, depth - 1)
    return hash((id(obj), inner)), exact


def _sequence(obj: Any, allowance: Allowance, depth: int) -> tuple[int, bool]:
    count = len(obj)
    if depth <= 0 or not allowance.take_items(count):
        return _ends(obj, count), count == 0
    return _combined((_element(item, allowance, depth) for item in tuple(obj)), count)


def _ends(obj: Any, count: int) -> int:
    """Length, and the addresses of some elements at both ends."""
    if type(obj) in (set, frozenset):
        return hash((count, tuple(id(x) for x in itertools.islice(obj, 8))))
    tail = obj[-8:] if count > 8 else ()
    return hash((count, tuple(map(id, obj[:8])), tuple(map(id, tail))))


def _mapping(obj: dict[Any, Any], allowance: Allowance, depth: int) -> tuple[int, bool]:
    count = len(obj)
    if depth <= 0 or not allowance.take_items(count):
        some = itertools.islice(obj.items(), 16)
        return hash((count, tuple((id(k), id(v)) for k, v in some))), count == 0
    pairs = itertools.chain.from_iterable(list(obj.items()))
    return _combined((_element(item, allowance, depth) for item in pairs), count)


def _combined(parts: Any, count: int) -> tuple[int, bool]:
    hashes, exact = [count], True
    for part, part_exact in parts:
        hashes.append(part)
        exact = exact and part_exact
    return hash(tuple(hashes)), exact


def _instance(obj: Any, allowance: Allowance, depth: int) -> tuple[int, bool]:
    """An object of any class: its attributes. What it keeps elsewhere (slots, C) cannot be seen."""
    attributes = instance_dict(obj)
    if attributes is None:
        return 0, False
    inner, exact = _mapping(attributes, allowance, min(depth, 2))
    return inner, exact and len(mro(type(obj))) == 2


def _library(kind: str, obj: Any, allowance: Allowance) -> tuple[int, bool]:
    try:
        if kind == "numpy.ndarray":
            return _array(obj, allowance)
        if kind == "pandas.DataFrame":
            return _frame(obj, allowance)
        if kind == "pandas.Series":
            inner, exact = _column(obj._values, allowance)
            return hash((inner, _label(obj._name))), exact
        if kind.startswith("torch."):
            return hash((tuple(obj.shape), str(obj.dtype), obj.data_ptr(), obj._version)), True
        if kind in ("polars.DataFrame", "xarray.Dataset"):
            return hash(
                (libraries.shape_of(kind, obj), libraries.preview_of(kind, obj, 500))
            ), False
    except Exception:  # noqa: BLE001 - a library may fail in any way; then nothing is known
        return 0, False
    return 0, kind in ("numpy scalar", "pandas.Index", "polars.LazyFrame")


def _array(array: Any, allowance: Allowance) -> tuple[int, bool]:
    head = (tuple(array.shape), array.dtype.str)
    if array.dtype.hasobject:
        some = tuple(_reference(x) for x in array.flat[:MAX_ITEMS])
        return hash((head, some)), False
    if allowance.take_bytes(array.nbytes):
        return hash((head, zlib.crc32(array.tobytes()))), True
    step = max(1, array.size // SAMPLE)
    return hash((head, zlib.crc32(array.flat[::step].tobytes()))), False


def _reference(obj: Any) -> int:
    return _plain(obj) if type(obj) in _BY_VALUE else id(obj)


def _label(obj: Any) -> int:
    return _plain(obj) if type(obj) in _BY_VALUE else id(type(obj))


def _frame(frame: Any, allowance: Allowance) -> tuple[int, bool]:
    """By columns: pandas rearranges its blocks at will, also when it only reads."""
    manager = frame._mgr
    labels, rows = manager.axes
    hashes: list[int] = [len(rows), len(labels)]
    exact = len(labels) <= _COLUMNS
    for i in range(min(len(labels), _COLUMNS)):
        inner, column_exact = _column(manager.iget_values(i), allowance)
        hashes += [_label(labels[i]), inner]
        exact = exact and column_exact
    return hash(tuple(hashes)), exact


def _column(values: Any, allowance: Allowance) -> tuple[int, bool]:
    """Values of one column: a numpy array or an extension array of pandas."""
    if libraries.library_kind(values) == "numpy.ndarray":
        return _array(values, allowance)
    kind = type(values)
    if kind.__module__.partition(".")[0] != "pandas":
        return hash((kind.__name__, len(values))), False
    inside = _storage(values)
    if inside is None:
        return hash((kind.__name__, len(values))), False
    if len(inside) == 1 and libraries.library_kind(inside[0]) != "numpy.ndarray":
        return id(
            inside[0]
        ), True  # Arrow data never changes in place: pandas puts another in its place.
    parts = [_array(part, allowance) for part in inside]
    return hash(tuple(part for part, _ in parts)), all(part_exact for _, part_exact in parts)


def _storage(values: Any) -> list[Any] | None:
    for names in (("_ndarray",), ("_data", "_mask"), ("_pa_array",)):
        found = [_stored(values, name) for name in names]
        if all(part is not None for part in found):
            return found
    return None


def _stored(values: Any, name: str) -> Any:
    attributes = instance_dict(values)
    if attributes is not None and name in attributes:
        return attributes[name]
    for cls in mro(type(values)):
        if name in cls.__dict__ and cls.__module__.startswith("pandas."):
            return getattr(values, name, None)
    return None
