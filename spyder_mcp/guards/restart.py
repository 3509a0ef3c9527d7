"""A restart is told before the kernel ends, so that a call in flight ends as `restarted` and not as lost.

Spyder restarts a kernel by shutting it down and connecting the console to another one. There is no signal before the
end of the old kernel: the first is `sig_kernel_is_ready` of the new one. Both ways go through
`ShellWidget.disconnect_kernel` (shell.py; client.py, `replace_kernel`), which a console that is closed never calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spyder_mcp.backend.consoles import ShellWidget

METHOD = "disconnect_kernel"


class RestartGuard:
    """Watches one console for as long as it is shared."""

    def __init__(self, shellwidget: ShellWidget, announce: Callable[[ShellWidget], None]) -> None:
        self._shellwidget = shellwidget
        self._announce = announce
        self._disconnect = getattr(shellwidget, METHOD)
        setattr(shellwidget, METHOD, self._take)

    def remove(self) -> None:
        """Watch no more."""
        delattr(self._shellwidget, METHOD)

    def _take(self, *args: Any, **more: Any) -> None:
        self._announce(self._shellwidget)
        self._disconnect(*args, **more)
