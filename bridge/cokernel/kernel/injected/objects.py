"""Facts about any object, learned without running a line of its code.

`type(obj)` is the only honest question: `obj.__class__`, `isinstance` and attribute access of a class may all be
answered by code of the user (a property, a metaclass). The descriptors of `type` itself may not.
"""

from __future__ import annotations

import sys
import types
from typing import Any

_NAME: Any = type.__dict__["__name__"]
_QUALNAME: Any = type.__dict__["__qualname__"]
_MODULE: Any = type.__dict__["__module__"]
_MRO: Any = type.__dict__["__mro__"]
_DICT: Any = type.__dict__["__dict__"]

MISSING: Any = types.SimpleNamespace()
"""Stands for no value where None is one."""


def class_name(cls: type) -> str:
    return str(_NAME.__get__(cls))


def module_of(cls: type) -> str:
    """`__module__` of a class; empty if it is not a plain string."""
    try:
        module = _MODULE.__get__(cls)
    except AttributeError:
        return ""
    return module if type(module) is str else ""


def mro(cls: type) -> tuple[type, ...]:
    return tuple(_MRO.__get__(cls) or (cls,))


def class_dict(cls: type) -> Any:
    """What the class itself defines, as a read-only mapping."""
    return _DICT.__get__(cls)


def type_label(obj: object) -> str:
    """`list`, `pandas.DataFrame`, `Model`: the class with the root of its module, bounded."""
    return class_label(type(obj))


def class_label(cls: type) -> str:
    name = str(_QUALNAME.__get__(cls))[-80:].replace("<locals>.", "")
    root = module_of(cls).partition(".")[0]
    return name if root in ("", "builtins", "__main__") else root[:40] + "." + name


def is_class(obj: object) -> bool:
    return type in mro(type(obj))


def builtin_base(obj: object) -> type | None:
    """The built-in container, text or number that an object is (or derives from); None if it is none of them."""
    for cls in mro(type(obj)):
        if cls in _BASES:
            return cls
    return None


_BASES = frozenset(
    (dict, list, tuple, set, frozenset, str, bytes, bytearray, bool, int, float, complex)
)


def instance_dict(obj: object) -> dict[Any, Any] | None:
    """The `__dict__` of an object, unless it has none or its class computes it."""
    for cls in mro(type(obj)):
        descriptor = class_dict(cls).get("__dict__")
        if descriptor is None:
            continue
        if type(descriptor) not in (types.GetSetDescriptorType, types.MemberDescriptorType):
            return None
        found = descriptor.__get__(obj)
        return found if type(found) is dict else None
    return None


def imported(module: str, name: str) -> Any:
    """An attribute of a module that is already imported, or None. Imports nothing, and runs no module `__getattr__`."""
    found = sys.modules.get(module)
    if found is None or types.ModuleType not in mro(type(found)):
        return None
    names = instance_dict(found)
    return None if names is None else names.get(name)
