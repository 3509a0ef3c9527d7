"""The small facade that IDEs import: one bridge in a worker thread, events by callback, no Qt.

    host = BridgeHost(ide="Spyder", on_event=post_to_gui)
    host.start()                                    # returns at once; heavy imports happen in the thread
    share = host.share(connection_file, title="Console 1/A", mode=Mode.ASK).result(10)
    host.set_mode(share.share_id, Mode.FREE)
    host.unshare(share.share_id)
    host.stop()

Every method may be called from any thread and returns at once; those with an outcome return a
`concurrent.futures.Future`, which raises a `CokernelError` where the outcome is one. `on_event` is called in the
bridge's thread: hand the event to your own loop and return.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from cokernel.errors import CokernelError, LinkDown
from cokernel.events import (
    ActivityChanged,
    BridgeFailed,
    BridgeStarted,
    ClientInfo,
    ClientsChanged,
    Event,
    OutputsChanged,
    ShareChanged,
    ShareInfo,
    ShareState,
    Variable,
)
from cokernel.kernel.outputtypes import DisplayOutput, ErrorOutput, Output, StreamOutput
from cokernel.session.activity import Activity, Change, ErrorSummary, Kind, Origin, State
from cokernel.session.policy import Answer, Mode
from cokernel.session.words import Wish, visible_code, wish_of

if TYPE_CHECKING:
    # Heavy: imported in the worker thread only.
    from cokernel.sharing import Sharing

__all__ = [
    "Activity",
    "ActivityChanged",
    "Answer",
    "BridgeFailed",
    "BridgeHost",
    "BridgeStarted",
    "Change",
    "ClientInfo",
    "ClientsChanged",
    "CokernelError",
    "DisplayOutput",
    "ErrorOutput",
    "ErrorSummary",
    "Event",
    "Kind",
    "Mode",
    "Origin",
    "Output",
    "OutputsChanged",
    "ShareChanged",
    "ShareInfo",
    "ShareState",
    "State",
    "StreamOutput",
    "Variable",
    "Wish",
    "visible_code",
    "wish_of",
]

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[["Sharing"], Awaitable[T]]


class BridgeHost:
    """One bridge, its shares and its clients, for a program with a loop of its own."""

    def __init__(
        self,
        *,
        ide: str,
        on_event: Callable[[Event], None],
        workspaces: Sequence[str] = (),
        kernels_mode: Mode = Mode.ASK,
    ) -> None:
        """`ide` is the name people know (`Spyder`); `workspaces` are folders whose agents should find these shares.

        `kernels_mode` is for kernels that agents start, or enter by their connection file; where nobody can be asked,
        another one than `Mode.ASK`.
        """
        self._ide = ide
        self._on_event = on_event
        self._workspaces = tuple(workspaces)
        self._kernels_mode = kernels_mode
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # The next four are guarded by the lock until the thread has set them.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sharing: Sharing | None = None
        self._early: list[Callable[[], None]] = []
        self._ended = False
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Start the worker thread. `BridgeStarted` or `BridgeFailed` follows."""
        with self._lock:
            if self._thread is not None or self._ended:
                return
            self._thread = threading.Thread(target=self._run, name="cokernel", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End every share, interrupt agents' runs, end the thread; whether that was done in time. Idempotent.

        `timeout_s=0` asks for it and returns at once: right for a GUI thread.
        """
        with self._lock:
            thread, self._ended = self._thread, True
            if self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
        if thread is None:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def share(
        self,
        connection_file: str,
        *,
        title: str,
        mode: Mode = Mode.ASK,
        share_id: str | None = None,
        kernel_pid: int | None = None,
    ) -> Future[ShareInfo]:
        """Share the kernel of a connection file. `share_id` takes up an earlier share, and its clients follow.

        Raises
        ------
        Untrusted
            the connection file or who answers on its ports must not be believed.
        NoAnswer
            no kernel answered.
        """
        return self._submit(
            lambda sharing: sharing.share(
                connection_file, title=title, mode=mode, share_id=share_id, kernel_pid=kernel_pid
            )
        )

    def retarget(
        self, share_id: str, connection_file: str, *, title: str, kernel_pid: int | None = None
    ) -> Future[ShareInfo]:
        """Point a share at another kernel (the active console changed, or a restart made a new connection file).

        Runs of agents in the old kernel go on and keep their outcome; new calls go to the new one, and say so.
        """
        return self._submit(
            lambda sharing: sharing.retarget(
                share_id, connection_file, title=title, kernel_pid=kernel_pid
            )
        )

    def rename(self, share_id: str, title: str) -> Future[ShareInfo]:
        """Give a share another title."""
        return self._submit(lambda sharing: sharing.rename(share_id, title))

    def restarted(self, share_id: str, reason: str = "") -> Future[None]:
        """The owner knows that the kernel was restarted or died: what was pending has ended when this is done."""
        return self._submit(lambda sharing: sharing.restarted(share_id, reason))

    def unshare(self, share_id: str, reason: str = "") -> Future[None]:
        """End a share: the record goes first, then clients, agents' runs (interrupted), and our helper in the kernel.

        `reason` is what clients are told: `Console 1/A was closed.`
        """
        return self._submit(lambda sharing: sharing.unshare(share_id, reason))

    def set_mode(self, share_id: str, mode: Mode) -> Future[ShareInfo]:
        """Change what agents may do, from now on and for what waits."""
        return self._submit(lambda sharing: sharing.set_mode(share_id, mode))

    def pause(self, share_id: str, paused: bool) -> Future[ShareInfo]:
        """While paused no new run begins; looks work."""
        return self._submit(lambda sharing: sharing.pause(share_id, paused))

    def answer(self, approval: str, answer: Answer) -> Future[None]:
        """Answer `Activity.approval`."""
        return self._submit(lambda sharing: sharing.answer(approval, answer))

    def interrupt(self, share_id: str, number: int | None = None) -> Future[int]:
        """Stop one agent's run, or all of them; how many were stopped. The user's cells are never touched."""
        return self._submit(lambda sharing: sharing.interrupt(share_id, number))

    def outputs(self, share_id: str, number: int) -> Future[tuple[Output, ...]]:
        """What a call has put out so far, bounded for display; clear_output and updates applied."""
        return self._submit(lambda sharing: sharing.outputs(share_id, number))

    def variables(self, share_id: str) -> Future[tuple[Variable, ...]]:
        """The user's namespace, also while the kernel is busy."""
        return self._submit(lambda sharing: sharing.variables(share_id))

    def activities(self, share_id: str) -> Future[tuple[Activity, ...]]:
        """All entries that are kept, oldest first."""
        return self._submit(lambda sharing: sharing.activities(share_id))

    # -- crossing into the bridge's thread

    def _submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()

        def begin() -> None:
            if self._sharing is None:
                future.set_exception(_not_running())
                return
            task = asyncio.ensure_future(work(self._sharing))
            task.add_done_callback(lambda done: _settle(future, done))

        with self._lock:
            if self._ended or self._thread is None:
                future.set_exception(_not_running())
            elif self._loop is None:
                self._early.append(begin)
            else:
                self._loop.call_soon_threadsafe(begin)
        return future

    # -- in the bridge's thread

    def _run(self) -> None:
        try:
            loop = _new_loop()
            try:
                loop.run_until_complete(self._serve())
            finally:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
                loop.close()
        except Exception as error:
            log.exception("the bridge failed")
            code = error.code if isinstance(error, CokernelError) else "internal"
            self._emit(BridgeFailed(code, str(error)))
        finally:
            self._close_the_door()

    async def _serve(self) -> None:
        from cokernel.sharing import Sharing

        sharing = Sharing(
            ide=self._ide,
            workspaces=self._workspaces,
            emit=self._emit,
            kernels_mode=self._kernels_mode,
        )
        stop = asyncio.Event()
        with self._lock:
            self._sharing, self._stop, self._loop = sharing, stop, asyncio.get_running_loop()
            early, self._early = self._early, []
            if self._ended:
                stop.set()
        try:
            self._emit(BridgeStarted())
            for begin in early:
                begin()
            await stop.wait()
        finally:
            await sharing.close(f"{self._ide} stopped sharing.")
            with self._lock:
                # From here on nobody may hand work to a loop that is about to end.
                self._ended, self._sharing, self._loop = True, None, None
            await _cancel_others()

    def _emit(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            # The outermost handler for the IDE's code: what fails there must not stop the kernel's messages here.
            log.exception("the IDE could not take an event")

    def _close_the_door(self) -> None:
        """Whoever still waits for an answer gets one: the bridge is not running."""
        with self._lock:
            self._ended, self._sharing, self._loop = True, None, None
            early, self._early = self._early, []
        for begin in early:
            begin()


async def _cancel_others() -> None:
    """End what still goes on in this loop, so that whoever waits for it is told."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _settle(future: Future[T], done: asyncio.Future[T]) -> None:
    if future.cancelled():
        return
    if done.cancelled():
        future.set_exception(_not_running())
    elif (error := done.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())


def _not_running() -> LinkDown:
    return LinkDown("The bridge is not running.", "Start sharing again.")


def _new_loop() -> asyncio.AbstractEventLoop:
    # Windows' default loop cannot wait for ZeroMQ's sockets.
    return asyncio.SelectorEventLoop()
