"""Where Qt meets the bridge's thread: calls go in, signals come out. The only file that does both.

`BridgeHost` reports from its own thread and answers with futures that end there. Both are posted through signals of a
`QObject` that lives in the GUI thread, so Qt queues them and everything else in this package runs in one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from typing import Any, TypeVar

from qtpy.QtCore import QObject, Signal

from cokernel.host import (
    ActivityChanged,
    Answer,
    BridgeFailed,
    BridgeHost,
    BridgeStarted,
    ClientsChanged,
    CokernelError,
    Event,
    Mode,
    Output,
    OutputsChanged,
    ShareChanged,
    ShareInfo,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
Then = Callable[[T], None]
Failed = Callable[[CokernelError], None]

IDE = "Spyder"


class Bridge(QObject):
    """The bridge as the GUI thread sees it. The thread starts with the first share and ends with `stop`.

    Signals
    -------
    sig_failed(str)
        The bridge cannot go on; the sentence says why. Every share has ended.
    sig_share_changed(ShareInfo), sig_clients_changed(tuple[ClientInfo, ...])
        As they are now.
    sig_activity_changed(str, Activity)
        Share id, and a call as it stands now.
    sig_outputs_changed(str, int)
        Share id and number of a call that has more to show.
    """

    sig_failed = Signal(str)
    sig_share_changed = Signal(object)
    sig_clients_changed = Signal(object)
    sig_activity_changed = Signal(str, object)
    sig_outputs_changed = Signal(str, int)

    _sig_posted = Signal(int, object)
    """From the bridge's thread: which host, and its event."""
    _sig_done = Signal(int, object, object, object)
    """From the bridge's thread: which host, a future that has ended, and who waits for it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host: BridgeHost | None = None
        self._generation = 0
        """Which host is current: what an earlier one still says is not about this one."""
        self._workspaces: tuple[str, ...] = ()
        self._sig_posted.connect(self._take_event)
        self._sig_done.connect(self._take_outcome)

    @property
    def is_running(self) -> bool:
        return self._host is not None

    def set_workspaces(self, folders: tuple[str, ...]) -> None:
        """Folders whose agents should find these shares; for the next start."""
        self._workspaces = folders

    def stop(self, timeout_s: float) -> bool:
        """End every share and the thread; whether that was done in time. 0 returns at once."""
        host, self._host = self._host, None
        self._generation += 1
        return host is None or host.stop(timeout_s)

    # ---- shares

    def share(
        self,
        share_id: str,
        connection_file: str,
        *,
        title: str,
        mode: Mode,
        kernel_pid: int | None,
        then: Then[ShareInfo],
        failed: Failed,
    ) -> None:
        future = self._started().share(
            connection_file, title=title, mode=mode, share_id=share_id, kernel_pid=kernel_pid
        )
        self._await(future, then, failed)

    def retarget(
        self,
        share_id: str,
        connection_file: str,
        *,
        title: str,
        kernel_pid: int | None,
        then: Then[ShareInfo],
        failed: Failed,
    ) -> None:
        future = self._started().retarget(
            share_id, connection_file, title=title, kernel_pid=kernel_pid
        )
        self._await(future, then, failed)

    def rename(self, share_id: str, title: str) -> None:
        self._await(self._started().rename(share_id, title))

    def restarted(self, share_id: str, reason: str, *, wait_s: float = 0.0) -> None:
        """The kernel is known to be gone, or about to go: what was pending ends now.

        With `wait_s` it has ended when this returns, so that nothing else is the first to say how.
        """
        if self._host is None:
            return
        told = self._host.restarted(share_id, reason)
        done, _not_done = wait([told], timeout=wait_s)
        if wait_s and not done:
            log.info("The bridge had not heard of the restart after %s s.", wait_s)

    def unshare(self, share_id: str, reason: str, *, then: Then[None], failed: Failed) -> None:
        """The record goes at once; `then` is called when clients, runs and the helper are gone too."""
        self._await(self._started().unshare(share_id, reason), then, failed)

    def set_mode(self, share_id: str, mode: Mode) -> None:
        if self._host is not None:
            self._await(self._host.set_mode(share_id, mode))

    # ---- calls

    def answer(self, approval: str, answer: Answer) -> None:
        if self._host is not None:
            self._await(self._host.answer(approval, answer))

    def interrupt(self, share_id: str, number: int | None = None) -> None:
        """Stop one run of an agent, or all of them. The user's cells are never touched."""
        if self._host is not None:
            self._await(self._host.interrupt(share_id, number))

    def outputs(
        self, share_id: str, number: int, *, then: Then[tuple[Output, ...]], failed: Failed
    ) -> None:
        """`failed` is called for calls that the bridge does not know any more."""
        if self._host is None:
            failed(CokernelError("The bridge has ended."))
        else:
            self._await(self._host.outputs(share_id, number), then, failed)

    # ---- the bridge's thread

    def _post(self, generation: int, event: Event) -> None:
        """Called in the bridge's thread. A queued signal takes the event over."""
        self._sig_posted.emit(generation, event)

    # ---- private

    def _started(self) -> BridgeHost:
        if self._host is None:
            self._generation += 1
            generation = self._generation
            self._host = BridgeHost(
                ide=IDE,
                on_event=lambda event: self._post(generation, event),
                workspaces=self._workspaces,
            )
            self._host.start()
        return self._host

    def _await(
        self, future: Future[T], then: Then[T] | None = None, failed: Failed | None = None
    ) -> None:
        asked = self._generation
        future.add_done_callback(lambda done: self._sig_done.emit(asked, done, then, failed))

    def _take_outcome(
        self,
        generation: int,
        future: Future[Any],
        then: Then[Any] | None,
        failed: Failed | None,
    ) -> None:
        if generation != self._generation:
            return
        error = _error_of(future)
        if error is None:
            if then is not None:
                then(future.result(timeout=0))
        elif failed is not None:
            failed(error)
        else:
            log.info("The bridge refused: %s", error)

    def _take_event(self, generation: int, event: Event) -> None:
        if generation != self._generation:
            return
        if isinstance(event, ActivityChanged):
            self.sig_activity_changed.emit(event.share_id, event.activity)
        elif isinstance(event, OutputsChanged):
            self.sig_outputs_changed.emit(event.share_id, event.number)
        elif isinstance(event, ClientsChanged):
            self.sig_clients_changed.emit(event.clients)
        elif isinstance(event, ShareChanged):
            self.sig_share_changed.emit(event.share)
        elif isinstance(event, BridgeFailed):
            self._fail(event)
        else:
            assert isinstance(event, BridgeStarted)
            log.info("The bridge serves clients.")

    def _fail(self, event: BridgeFailed) -> None:
        log.error("The bridge ended (%s): %s", event.code, event.message)
        self.stop(timeout_s=0)
        self.sig_failed.emit(event.message)


def _error_of(future: Future[Any]) -> CokernelError | None:
    """None if it has a result. Anything but a `CokernelError` is a defect, and is raised."""
    try:
        future.result(timeout=0)
    except CokernelError as error:
        return error
    except CancelledError:
        return CokernelError("It was taken back before it was done.")
    return None
