"""The kernels that one bridge has started: connected to once they answer, restarted, expired, ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cokernel.errors import CokernelError, Denied, StartFailed
from cokernel.kernel.environments import KernelCommand
from cokernel.kernel.owned import FOLDER_PREFIX, OwnedKernel
from cokernel.kernel.process import ProcessWatch
from cokernel.kernel.zmq import ZmqLink
from cokernel.session.session import Session

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
IDLE_EXPIRY_S = 30 * 60.0
SWEEP_AFTER_S = 5.0


@dataclass
class _Owned:
    kernel: OwnedKernel
    session: Session
    last_used: float


class OwnedKernels:
    """Owned by one `Bridge`, which keeps the sessions."""

    def __init__(
        self,
        *,
        adopt: Callable[[ZmqLink, str], Session],
        remove: Callable[[Session, str], Awaitable[None]],
        idle_expiry_s: float,
    ) -> None:
        """`adopt` makes the session of a started kernel with a title; `remove` lets go of one, with the reason."""
        self._adopt = adopt
        self._remove = remove
        self._idle_expiry_s = idle_expiry_s
        self._owned: dict[str, _Owned] = {}
        self._starting: set[OwnedKernel] = set()
        self._expiry: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None

    def __contains__(self, session: Session) -> bool:
        return session.kernel_id in self._owned

    async def start(self, command: KernelCommand, title: str, cwd: str | None) -> Session:
        """Start one and wait until it answers.

        Raises
        ------
        StartFailed
            it does not start; the message has its last words.
        """
        kernel = OwnedKernel(command, cwd=cwd)
        try:
            kernel.start()
        except BaseException:
            await kernel.end()
            raise
        return await self.connect(kernel, title or command.name)

    async def connect(self, kernel: OwnedKernel, title: str) -> Session:
        """The same for one that was spawned before."""
        self._starting.add(kernel)
        try:
            session = self._adopt(await _connected(kernel), title)
        except CokernelError as error:
            why = kernel.failure() or str(error)
            await kernel.end()
            raise StartFailed(
                f"The kernel did not start. {why}",
                "Mend that environment, or start a kernel in another one.",
            ) from error
        except BaseException:
            await kernel.end()
            raise
        finally:
            self._starting.discard(kernel)
        self._owned[session.kernel_id] = _Owned(kernel, session, time.monotonic())
        if self._expiry is None:
            self._expiry = asyncio.create_task(self._expire_idle(), name="expire idle kernels")
            self._sweeping = asyncio.create_task(_sweep_later(), name="sweep what is left")
        return session

    async def restart(self, session: Session) -> None:
        """End the process and start a new one; what ran in it ends as `restarted`.

        Raises
        ------
        Denied
            it is not ours to restart.
        StartFailed
            it cannot be run any more, or did not come back.
        """
        owned = self._owned_or_refuse(session, "restart it")
        session.owner_restarted("The kernel was restarted by an agent.")
        came_back = asyncio.create_task(session.link_is_up(), name="wait for a restart")
        try:
            await owned.kernel.restart()
            await asyncio.wait_for(came_back, START_TIMEOUT_S)
        except asyncio.TimeoutError:
            raise StartFailed(
                f"{session.title} did not come back after the restart. {owned.kernel.failure()}",
                "Start a new one with start_kernel.",
            ) from None
        finally:
            came_back.cancel()
            await asyncio.gather(came_back, return_exceptions=True)

    def check_owned(self, session: Session) -> None:
        """Raises `Denied` if it is not ours to end."""
        self._owned_or_refuse(session, "end it")

    def touch(self, session: Session) -> None:
        """It is being used; nothing happens if it is not ours."""
        owned = self._owned.get(session.kernel_id)
        if owned is not None:
            owned.last_used = time.monotonic()

    async def end(self, session: Session) -> None:
        """End its process; nothing happens if it is not ours."""
        owned = self._owned.pop(session.kernel_id, None)
        if owned is not None:
            await owned.kernel.end()

    def end_now(self) -> None:
        """End them all without an event loop: the last resort of a process that has to go."""
        for kernel in [*self._starting, *(owned.kernel for owned in self._owned.values())]:
            kernel.end_now()

    def stop_expiring(self) -> None:
        for task in (self._expiry, self._sweeping):
            if task is not None:
                task.cancel()
        self._expiry = self._sweeping = None

    def _owned_or_refuse(self, session: Session, what: str) -> _Owned:
        owned = self._owned.get(session.kernel_id)
        if owned is None:
            raise Denied(
                f"{session.title} belongs to {session.place or 'somebody else'}; only its owner can {what}.",
                "Ask the person, or start a kernel of your own with start_kernel.",
            )
        return owned

    async def _expire_idle(self) -> None:
        while True:
            await asyncio.sleep(self._idle_expiry_s / 60)
            now = time.monotonic()
            for owned in list(self._owned.values()):
                if owned.session.unfinished:
                    owned.last_used = now
                elif now - owned.last_used > self._idle_expiry_s:
                    minutes = int(self._idle_expiry_s // 60)
                    reason = (
                        f"{owned.session.title} was not used for {minutes} minutes and was ended."
                    )
                    log.info("%s", reason)
                    await self._remove(owned.session, reason)


async def _sweep_later() -> None:
    # A new bridge has better things to do in its first seconds.
    await asyncio.sleep(SWEEP_AFTER_S)
    from cokernel.kernel.remains import sweep

    swept = await asyncio.to_thread(sweep, FOLDER_PREFIX)
    if swept:
        log.info("%d folders of bridges that were killed have been removed", swept)


async def _connected(kernel: OwnedKernel) -> ZmqLink:
    """Its link; a process that ends before it answers is not waited for."""
    link = ZmqLink(kernel.connection, connection_file=kernel.connection_file, pid=kernel.pid)
    ended = asyncio.Event()
    watch = ProcessWatch(kernel.pid, ended.set)
    connecting = asyncio.ensure_future(link.connect(START_TIMEOUT_S))
    ending = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({connecting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            raise StartFailed("Its process ended.")
        connecting.result()
        return link
    finally:
        watch.close()
        connecting.cancel()
        ending.cancel()
        await asyncio.gather(connecting, ending, return_exceptions=True)
