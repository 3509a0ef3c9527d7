"""Keeps the records of one bridge true, from a thread of its own: the disk under a home folder can stall for minutes.

A record that is about to be replaced by a newer one, or withdrawn, is not written any more; so however long the disk
stalls, what it says at last is the newest. The same thread sweeps up what killed bridges left there.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from cokernel.errors import CokernelError
from cokernel.shares import unshared
from cokernel.shares.record import ShareRecord
from cokernel.shares.remains import sweep
from cokernel.shares.store import publish, withdraw

Work = Callable[[], object]


class RecordKeeper:
    """One thread may call. Each future is done once its step is on the disk, or was overtaken by a newer one."""

    def __init__(self) -> None:
        self._steps: queue.SimpleQueue[tuple[str, Work, Future[None]] | None] = queue.SimpleQueue()
        self._newest: dict[str, Future[None]] = {}
        self._thread: threading.Thread | None = None

    def publish(self, record: ShareRecord) -> Future[None]:
        """Write it; the future raises like `cokernel.shares.publish`."""

        def work() -> None:
            publish(record)
            if record.kernel_pid is not None:
                unshared.forget(record.kernel_pid)

        return self._step(record.share, work)

    def withdraw(self, record: ShareRecord) -> Future[None]:
        """Remove it, and note that its kernel is not shared any more; the future raises `OSError` if it cannot be."""

        def work() -> None:
            withdraw(record.share)
            if record.kernel_pid is not None:
                unshared.note(record.kernel_pid)

        return self._step(record.share, work)

    def close(self) -> None:
        """What was asked for is still done; nothing waits for it."""
        if self._thread is not None:
            self._steps.put(None)
            self._thread = None

    def _step(self, share: str, work: Work) -> Future[None]:
        future: Future[None] = Future()
        self._newest[share] = future
        self._steps.put((share, work, future))
        if self._thread is None:
            # A daemon: a disk that does not answer must not keep the program from ending.
            self._thread = threading.Thread(target=self._run, name="share records", daemon=True)
            self._thread.start()
        return future

    def _run(self) -> None:
        has_swept = False
        while (step := self._steps.get()) is not None:
            self._take(*step)
            if not has_swept and self._steps.empty():
                has_swept = True
                sweep()
                unshared.sweep()

    def _take(self, share: str, work: Work, future: Future[None]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            if self._newest[share] is future:
                work()
            future.set_result(None)
        except (CokernelError, OSError) as error:
            future.set_exception(error)


async def done_within(seconds: float, *futures: Future[None]) -> bool:
    """Wait for all of them, so long; whether they are done."""
    waiting = [asyncio.wrap_future(future) for future in futures]
    for one in waiting:
        one.add_done_callback(_look_at)
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)
    return all(future.done() for future in futures)


def _look_at(done: asyncio.Future[None]) -> None:
    """Asyncio complains about an error that nobody looks at; here the caller looks at the other future."""
    if not done.cancelled():
        done.exception()
