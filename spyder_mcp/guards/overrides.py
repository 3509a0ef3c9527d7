"""Handlers of kernel messages put before a console's own, and taken away again.

`BaseFrontendMixin._dispatch` (qtconsole/base_frontend_mixin.py) looks each handler up by name on the instance:
`getattr(self, '_handle_' + msg_type)`. So an attribute of the instance comes before the method of its class, and no
signal needs to be re-wired. Disconnecting `_dispatch` instead breaks kernel restarts, where qtconsole disconnects it
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from spyder_mcp.backend.consoles import ShellWidget

Message = Mapping[str, Any]
Handler = Callable[[Message], None]
Wrapper = Callable[[Message, Handler], None]
"""Called with the message and the handler that would have had it."""


class Overrides:
    """Those of one console. Several may stack; they must be removed in reverse order."""

    def __init__(self, shellwidget: ShellWidget) -> None:
        self._shellwidget = shellwidget
        self._names: list[tuple[str, Handler | None]] = []

    def put(self, msg_type: str, wrapper: Wrapper) -> None:
        """Give messages of a type to `wrapper` first."""
        name = f"_handle_{msg_type}"
        original: Handler = getattr(self._shellwidget, name)
        earlier: Handler | None = vars(self._shellwidget).get(name)
        setattr(self._shellwidget, name, lambda message: wrapper(message, original))
        self._names.append((name, earlier))

    def remove(self) -> None:
        """Put back what was there."""
        while self._names:
            name, earlier = self._names.pop()
            if earlier is None:
                delattr(self._shellwidget, name)
            else:
                setattr(self._shellwidget, name, earlier)
