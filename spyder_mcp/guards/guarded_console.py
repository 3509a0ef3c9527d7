"""The guards of the shared console: put up when it is shared, taken down when it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spyder_mcp.backend.consoles import ShellWidget
from spyder_mcp.guards.attribution import Attribution
from spyder_mcp.guards.debugger import DebuggerGuard
from spyder_mcp.guards.echo import EchoGuard
from spyder_mcp.guards.restart import RestartGuard


@dataclass(frozen=True)
class EchoOptions:
    """What people chose in the preferences."""

    echo: bool
    max_lines: int


class GuardedConsole:
    """At most one console is guarded: the one that agents work in."""

    def __init__(
        self,
        attribution: Attribution,
        options: EchoOptions,
        announce_restart: Callable[[ShellWidget], None],
    ) -> None:
        self._attribution = attribution
        self._options = options
        self._announce_restart = announce_restart
        self._shellwidget: ShellWidget | None = None
        self._debugger: DebuggerGuard | None = None
        self._echo: EchoGuard | None = None
        self._restart: RestartGuard | None = None

    def guard(self, shellwidget: ShellWidget | None) -> None:
        """Guard this console, and no other; None guards none."""
        if shellwidget is self._shellwidget:
            return
        self._take_down()
        self._shellwidget = shellwidget
        if shellwidget is not None:
            self._put_up(shellwidget)

    def set_options(self, options: EchoOptions) -> None:
        self._options = options
        if self._echo is not None:
            self._echo.set_echo(options.echo, options.max_lines)

    def _put_up(self, shellwidget: ShellWidget) -> None:
        options = self._options
        self._debugger = DebuggerGuard(shellwidget, self._attribution)
        self._echo = EchoGuard(
            shellwidget, self._attribution, echo=options.echo, max_lines=options.max_lines
        )
        self._restart = RestartGuard(shellwidget, self._announce_restart)

    def _take_down(self) -> None:
        if self._restart is not None:
            self._restart.remove()
        if self._echo is not None:
            self._echo.remove()
        if self._debugger is not None:
            self._debugger.remove()
        self._echo = self._debugger = self._restart = None
