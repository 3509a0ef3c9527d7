"""What is shared, and why. The sole owner of the share: everything else asks it or listens.

It is driven by level, not by edge: whatever Spyder or the bridge reports, `_reconcile` compares what should be shared
with what the bridge was last asked for and asks for the difference, one request at a time. So no order of signals
leaves a record that is not true.
"""

from __future__ import annotations

import enum
import logging
import secrets
from dataclasses import dataclass, replace

from qtpy.QtCore import QObject, QTimer, Signal

from cokernel.host import Answer, CokernelError, Mode, ShareInfo, ShareState
from spyder_mcp.backend.bridge import Bridge
from spyder_mcp.backend.consoles import (
    Consoles,
    Description,
    Never,
    NotYet,
    Shareable,
    ShellWidget,
    describe,
)
from spyder_mcp.translation import _

log = logging.getLogger(__name__)

STOP_AT_EXIT_S = 3.0
RETRY_MS = 2000
MAX_RETRIES = 3
ANNOUNCE_S = 0.5
"""How long a restart may wait until the bridge has heard of it: a thousandth of this is usual."""


class Phase(enum.Enum):
    """How it stands, as the status bar says it."""

    OFF = "off"
    STARTING = "starting"
    SHARED = "shared"
    LOST = "lost"
    """On, but there is nothing that could be shared; `sentence` says why."""


@dataclass(frozen=True)
class Status:
    """What people see of it."""

    phase: Phase
    console: str
    """Title of the console that is or will be shared; empty if there is none."""
    mode: Mode
    pinned: bool
    sentence: str = ""
    """What happened and what to do; empty if nothing needs to be said."""

    @property
    def is_on(self) -> bool:
        return self.phase is not Phase.OFF


class Sharing(QObject):
    """Follows the active console, or stays with the one it is pinned to.

    Signals
    -------
    sig_status_changed(Status)
        What people see has changed.
    sig_shared_console_changed()
        Another console is the shared one, or none: see `shared_console`.
    """

    sig_status_changed = Signal(object)
    sig_shared_console_changed = Signal()

    def __init__(
        self, bridge: Bridge, consoles: Consoles, mode: Mode, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._consoles = consoles
        self._mode = mode
        self._on = False
        self._closing = False
        self._pinned: ShellWidget | None = None
        self._pin_lost = ""
        """Title of the console that was pinned until it was closed."""
        self._share_id = ""
        self._asked: Shareable | None = None
        """What the bridge was last asked to share, or is being asked for; None if nothing."""
        self._console: ShellWidget | None = None
        """Whose kernel `_asked` is."""
        self._info: ShareInfo | None = None
        self._under_way = 0
        """Requests whose outcome is awaited. The next one waits for them, but the end of a share never waits."""
        self._refused = ""
        """Why the bridge did not share it; empty if it did."""
        self._retries = 0
        self._status = self._derived_status()
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self._reconcile)
        self._listen()

    # ---- what is asked of it

    @property
    def status(self) -> Status:
        return self._status

    @property
    def shared_console(self) -> ShellWidget | None:
        """Whose kernel agents work in now."""
        return self._console if self._asked is not None else None

    @property
    def kernel_session(self) -> str:
        """The Jupyter session of agents' messages in that kernel; empty if it is not known."""
        return "" if self._info is None else self._info.kernel_session

    # ---- what people want

    def set_on(self, on: bool) -> None:
        """The toggle."""
        if on == self._on or self._closing:
            return
        self._on = on
        self._try_afresh()
        if on:
            self._reconcile()
        else:
            self._end_share("")

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode
        if self._asked is not None:
            self._bridge.set_mode(self._share_id, mode)
        self._publish_status()

    def follow(self) -> None:
        """Share whichever console is active."""
        self._pinned, self._pin_lost = None, ""
        self._try_afresh()
        self._reconcile()

    def pin(self, shellwidget: ShellWidget) -> None:
        """Share this console only, until it is closed."""
        self._pinned, self._pin_lost = shellwidget, ""
        self._try_afresh()
        self._reconcile()

    def announce_restart(self, shellwidget: ShellWidget) -> None:
        """Spyder is about to end the kernel of this console and to start another one."""
        if self._asked is not None and shellwidget is self._console:
            sentence = _restarted_sentence(self._asked.title)
            self._bridge.restarted(self._share_id, sentence, wait_s=ANNOUNCE_S)

    def answer(self, approval: str, answer: Answer) -> None:
        self._bridge.answer(approval, answer)

    def close(self) -> None:
        """Spyder ends, or the plugin is taken out. Spyder goes on reporting consoles after this: nothing follows."""
        if self._closing:
            return
        self._closing = True
        self._on = False
        self._retry.stop()
        if not self._bridge.stop(STOP_AT_EXIT_S):
            log.warning("The bridge did not end within %s s.", STOP_AT_EXIT_S)
        self._forget_share()
        self._publish_status()

    # ---- what happens

    def _listen(self) -> None:
        self._consoles.sig_active_changed.connect(self._note_active_changed)
        self._consoles.sig_kernel_changed.connect(self._note_kernel_changed)
        self._consoles.sig_kernel_lost.connect(self._note_kernel_lost)
        self._consoles.sig_closed.connect(self._note_closed)
        self._bridge.sig_share_changed.connect(self._note_share_changed)
        self._bridge.sig_failed.connect(self._note_bridge_failed)

    def _note_active_changed(self) -> None:
        if self._pinned is None:
            self._try_afresh()
        self._reconcile()

    def _note_kernel_changed(self, shellwidget: ShellWidget) -> None:
        if shellwidget is self._wanted_console():
            self._try_afresh()
        self._reconcile()

    def _try_afresh(self) -> None:
        self._retry.stop()
        self._refused, self._retries = "", 0

    def _note_kernel_lost(self, shellwidget: ShellWidget, sentence: str) -> None:
        if shellwidget is self.shared_console:
            self._bridge.restarted(self._share_id, sentence)
        self._reconcile()

    def _note_closed(self, shellwidget: ShellWidget, title: str) -> None:
        if shellwidget is self._pinned:
            self._pinned, self._pin_lost = None, title
        if shellwidget is self.shared_console:
            self._end_share(_("{} was closed.").format(title))
        self._reconcile()

    def _note_share_changed(self, share: ShareInfo) -> None:
        if share.share_id != self._share_id:
            return
        self._info = share
        if share.state is ShareState.CLOSED and self._asked is not None and not self._under_way:
            self._forget_share()
            self._refused = share.detail
        self._publish_status()

    def _note_bridge_failed(self, message: str) -> None:
        self._on = False
        self._under_way = 0
        self._forget_share()
        self._refused = message
        self._publish_status()

    # ---- what should be, and what is

    def _wanted_console(self) -> ShellWidget | None:
        if self._pinned is not None:
            return self._pinned
        return None if self._pin_lost else self._consoles.active

    def _wanted(self) -> Description | None:
        shellwidget = self._wanted_console()
        return None if shellwidget is None else describe(shellwidget)

    def _reconcile(self) -> None:
        if self._on and not self._closing and not self._under_way and not self._is_refused():
            self._ask_for_difference()
        self._publish_status()

    def _is_refused(self) -> bool:
        """The bridge said no: either for good, or until a moment has passed."""
        return bool(self._refused) or self._retry.isActive()

    def _ask_for_difference(self) -> None:
        wanted = self._wanted()
        if isinstance(wanted, Shareable):
            self._ask_for(wanted)
        elif isinstance(wanted, Never) and self._asked is not None:
            self._end_share(wanted.reason)
        # NotYet, or no console: what is shared goes on until it is closed or another is ready.

    def _ask_for(self, wanted: Shareable) -> None:
        asked, console_before = self._asked, self._console
        self._asked, self._console = wanted, self._wanted_console()
        if asked is None:
            self._share(wanted)
        elif replace(asked, title=wanted.title) != wanted:
            is_restart = self._console is console_before
            self._retarget(asked, wanted, is_restart=is_restart)
        elif asked != wanted:
            self._bridge.rename(self._share_id, wanted.title)
        if self._console is not console_before:
            self.sig_shared_console_changed.emit()

    def _share(self, wanted: Shareable) -> None:
        # The id stays the same for this window's life, so that clients of an earlier share can follow.
        self._share_id = self._share_id or f"spyder-{secrets.token_hex(4)}"
        self._under_way += 1
        self._bridge.share(
            self._share_id,
            wanted.connection_file,
            title=wanted.title,
            mode=self._mode,
            kernel_pid=wanted.kernel_pid,
            then=self._take_shared,
            failed=self._take_refusal,
        )

    def _retarget(self, asked: Shareable, wanted: Shareable, *, is_restart: bool) -> None:
        self._under_way += 1
        # A crash keeps the connection file and was told when it happened (`_note_kernel_lost`).
        if is_restart and asked.connection_file != wanted.connection_file:
            self._bridge.restarted(self._share_id, _restarted_sentence(wanted.title))
        self._bridge.retarget(
            self._share_id,
            wanted.connection_file,
            title=wanted.title,
            kernel_pid=wanted.kernel_pid,
            then=self._take_shared,
            failed=self._take_refusal,
        )

    def _take_shared(self, share: ShareInfo) -> None:
        self._under_way -= 1
        self._retries = 0
        if self._asked is None:
            # It was switched off, or its console closed, while this was under way.
            self._unshare("")
        else:
            self._info = share
            if share.mode is not self._mode:
                self._bridge.set_mode(self._share_id, self._mode)
        self._reconcile()

    def _take_refusal(self, error: CokernelError) -> None:
        self._under_way -= 1
        if self._asked is not None:
            log.warning("%s is not shared: %s", self._asked.title, error)
            self._unshare(str(error))
            self._forget_share()
        if self._on:
            self._try_later(error)
        self._publish_status()

    def _try_later(self, error: CokernelError) -> None:
        """Mostly its kernel was replaced while it was being asked; Spyder's signal came before the answer."""
        self._retries += 1
        if self._retries < MAX_RETRIES:
            self._retry.start()
        else:
            self._refused = str(error)

    def _end_share(self, reason: str) -> None:
        if self._asked is not None:
            self._unshare(reason)
        self._forget_share()
        self._publish_status()

    def _unshare(self, reason: str) -> None:
        self._under_way += 1
        self._bridge.unshare(
            self._share_id,
            reason,
            then=lambda _nothing: self._take_unshared(),
            failed=lambda _error: self._take_unshared(),
        )

    def _take_unshared(self) -> None:
        self._under_way -= 1
        self._reconcile()

    def _forget_share(self) -> None:
        had_one = self._asked is not None
        self._asked = None
        self._console = None
        self._info = None
        if had_one:
            self.sig_shared_console_changed.emit()

    # ---- what people see

    def _publish_status(self) -> None:
        status = self._derived_status()
        if status != self._status:
            self._status = status
            self.sig_status_changed.emit(status)

    def _derived_status(self) -> Status:
        pinned = self._pinned is not None
        if not self._on:
            return Status(Phase.OFF, "", self._mode, pinned, self._refused)
        if self._asked is not None:
            up = self._info is not None and not self._under_way
            phase = Phase.SHARED if up else Phase.STARTING
            return Status(phase, self._asked.title, self._mode, pinned, self._trouble())
        return self._status_without_share(pinned)

    def _status_without_share(self, pinned: bool) -> Status:
        wanted = self._wanted()
        title = "" if wanted is None else wanted.title
        sentence = self._refused or self._why_nothing(wanted)
        phase = Phase.LOST if sentence else Phase.STARTING
        return Status(phase, title, self._mode, pinned, sentence)

    def _why_nothing(self, wanted: Description | None) -> str:
        if self._pin_lost:
            sentence = _("{} was closed. Choose another console to go on.")
            return sentence.format(self._pin_lost)
        if wanted is None:
            return _("There is no console. Open one to go on.")
        if isinstance(wanted, Never):
            return wanted.reason
        assert isinstance(wanted, NotYet | Shareable)
        return ""

    def _trouble(self) -> str:
        """A shared kernel that is up says nothing."""
        quiet = (ShareState.UP, ShareState.CONNECTING)
        if self._info is None or self._info.state in quiet:
            return ""
        return self._info.detail


def _restarted_sentence(title: str) -> str:
    return _("The kernel of {} was restarted.").format(title)
