"""Turns the sources of the other parts into modules, inside the user's kernel.

Executed by an expression (`cokernel.kernel.inkernel`) in a namespace of its own. It must not rely on anything that
the user may have rebound.
"""

from __future__ import annotations

import sys
import types
from typing import Any


def enter(package: str, sources: dict[str, str], owner: dict[str, Any]) -> Any:
    """Register `owner` with the helper of this version, and put the helper in if it is not there yet."""
    shell = sys.modules["IPython.core.getipython"].get_ipython()
    handler = shell.kernel.control_handlers.get(package + "_request")
    service = handler.__self__ if handler is not None else _load(package, sources).Service(shell)
    return service.enter(owner)


def _load(package: str, sources: dict[str, str]) -> types.ModuleType:
    """The `service` module. `sys.modules` holds the parts only as long as they import one another."""
    root = types.ModuleType(package)
    root.__path__ = []
    loaded = {package: root}
    sys.modules[package] = root
    try:
        for name, source in sources.items():
            full_name = package + "." + name
            part = types.ModuleType(full_name)
            part.__package__ = package
            sys.modules[full_name] = loaded[full_name] = part
            exec(compile(source, "<" + full_name + ">", "exec"), part.__dict__)
    finally:
        for full_name in loaded:
            sys.modules.pop(full_name, None)
    return loaded[package + ".service"]
