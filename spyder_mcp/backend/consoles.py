"""Spyder's consoles: which is active, what becomes of their kernels, and whether each can be shared.

The order in which Spyder reports a start, a restart, a crash or a close differs between them, and some kinds of kernel
report nothing at all (an external kernel that dies). Here all of it becomes four signals, after each of which
`describe` says what is true now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal
from spyder.plugins.ipythonconsole.utils.kernel_handler import KernelConnectionState

from spyder_mcp.translation import _

ShellWidget = Any
"""`spyder.plugins.ipythonconsole.widgets.ShellWidget`, which ships no types."""

READY = (KernelConnectionState.SpyderKernelReady, KernelConnectionState.IpykernelReady)
STARTING = (KernelConnectionState.Connecting, KernelConnectionState.SpyderKernelWaitComm)


@dataclass(frozen=True)
class Shareable:
    """A kernel that can be shared now."""

    title: str
    connection_file: str
    kernel_pid: int | None
    """None if the kernel is not a child of Spyder's own."""


@dataclass(frozen=True)
class NotYet:
    """The kernel is starting, or starting again; a signal follows."""

    title: str


@dataclass(frozen=True)
class Never:
    """This console cannot be shared as it is."""

    title: str
    reason: str
    """A sentence for people: what is so, and what to do."""


Description = Shareable | NotYet | Never


def describe(shellwidget: ShellWidget) -> Description:
    """What can be shared of a console at this moment."""
    title = shellwidget.ipyclient.get_name()
    handler = shellwidget.kernel_handler
    if handler is None or handler.connection_state in STARTING:
        return NotYet(title)
    if _is_elsewhere(shellwidget):
        reason = _("{} runs on another computer, which cannot be shared. Choose a local console.")
        return Never(title, reason.format(title))
    if handler.connection_state not in READY:
        return _describe_down(title, handler.connection_state)
    return Shareable(title, handler.connection_file, _kernel_pid(shellwidget))


def _is_elsewhere(shellwidget: ShellWidget) -> bool:
    """Remote consoles have no connection file of this machine, or (tunnels) one with the ports of the other."""
    handler = shellwidget.kernel_handler
    return bool(shellwidget.is_remote() or handler.hostname or not handler.connection_file)


def _describe_down(title: str, state: str) -> Description:
    if state == KernelConnectionState.Crashed:
        return NotYet(title)
    reason = _("The kernel of {} did not start. Choose another console.").format(title)
    return Never(title, reason)


def _kernel_pid(shellwidget: ShellWidget) -> int | None:
    manager = shellwidget.kernel_manager
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    if process is None:
        return None
    # A console in another conda environment is started through `conda run`: that process is not the kernel.
    program = str(process.args[0]) if isinstance(process.args, list) else str(process.args)
    return process.pid if "python" in program.rsplit("/", 1)[-1].lower() else None


class Consoles(QObject):
    """Every console of the window.

    Signals
    -------
    sig_active_changed()
        Another console is active, or none.
    sig_kernel_changed(ShellWidget)
        Its kernel became ready: after the start, a restart (new connection file) or a crash (same file, new process).
    sig_kernel_lost(ShellWidget, str)
        Its kernel is gone; the sentence says how. It may come back.
    sig_closed(ShellWidget, str)
        The console is gone; the string is its title.
    """

    sig_active_changed = Signal()
    sig_kernel_changed = Signal(object)
    sig_kernel_lost = Signal(object, str)
    sig_closed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watches: dict[ShellWidget, _Watch] = {}
        self._active: ShellWidget | None = None

    @property
    def active(self) -> ShellWidget | None:
        """The console of the tab in front; None if there is none."""
        return self._active

    def all(self) -> tuple[ShellWidget, ...]:
        return tuple(self._watches)

    # ---- what Spyder reports, in no order that could be relied on

    def add(self, shellwidget: ShellWidget) -> None:
        if shellwidget not in self._watches:
            self._watches[shellwidget] = _Watch(shellwidget, self)
        self.sig_kernel_changed.emit(shellwidget)

    def set_active(self, shellwidget: ShellWidget) -> None:
        self._active = shellwidget
        self.sig_active_changed.emit()

    def remove(self, shellwidget: ShellWidget) -> None:
        """Reported twice by some kinds of kernel."""
        watch = self._watches.pop(shellwidget, None)
        if watch is None:
            return
        watch.end()
        if shellwidget is self._active:
            self._active = None
        self.sig_closed.emit(shellwidget, shellwidget.ipyclient.get_name())

    def note_renamed(self) -> None:
        """The name of a tab was changed."""
        self.sig_active_changed.emit()

    def end(self) -> None:
        """Let go of every console."""
        for watch in self._watches.values():
            watch.end()
        self._watches.clear()
        self._active = None


class _Watch:
    """The signal connections of one console, made and unmade together."""

    def __init__(self, shellwidget: ShellWidget, consoles: Consoles) -> None:
        self._shellwidget = shellwidget
        self._consoles = consoles
        self._of_console: list[tuple[Any, Callable[..., None]]] = []
        self._of_kernel: list[tuple[Any, Callable[..., None]]] = []
        self._handler: Any = None
        _link(self._of_console, shellwidget.sig_kernel_is_ready, self._take_ready)
        self._watch_kernel()

    def end(self) -> None:
        _unlink(self._of_console)
        _unlink(self._of_kernel)

    def _watch_kernel(self) -> None:
        """A restart replaces the kernel's handler, client and manager: connect to those that count now."""
        handler = self._shellwidget.kernel_handler
        if handler is None or handler is self._handler:
            return
        _unlink(self._of_kernel)
        self._handler = handler
        # A plain ipykernel never makes the console's own `sig_kernel_is_ready` (shell.py, handle_kernel_is_ready).
        _link(self._of_kernel, handler.sig_kernel_is_ready, self._take_ready)
        if handler.kernel_manager is not None:
            _link(self._of_kernel, handler.kernel_manager.kernel_restarted, self._take_crash)
        else:
            # Of an external kernel's death the heartbeat is the only sign (qtconsole/client.py, kernel_died).
            _link(self._of_kernel, handler.kernel_client.hb_channel.kernel_died, self._take_death)

    def _take_ready(self) -> None:
        self._watch_kernel()
        self._consoles.sig_kernel_changed.emit(self._shellwidget)

    def _take_crash(self) -> None:
        self._lose(_("The kernel of {} died and was started again."))

    def _take_death(self, _since_s: float) -> None:
        self._lose(_("The kernel of {} does not answer."))

    def _lose(self, sentence: str) -> None:
        title = self._shellwidget.ipyclient.get_name()
        self._consoles.sig_kernel_lost.emit(self._shellwidget, sentence.format(title))


def _link(
    made: list[tuple[Any, Callable[..., None]]], signal: Any, slot: Callable[..., None]
) -> None:
    signal.connect(slot)
    made.append((signal, slot))


def _unlink(made: list[tuple[Any, Callable[..., None]]]) -> None:
    while made:
        signal, slot = made.pop()
        try:
            signal.disconnect(slot)
        except (RuntimeError, TypeError):
            # Qt deleted the sender with the kernel's client: the connection went with it.
            continue
