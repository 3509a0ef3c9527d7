"""The kernel's heartbeat: whether its process still echoes, even while C code holds the interpreter.

It never proves *who* echoes: a program that took over the ports echoes as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import zmq
import zmq.asyncio

from cokernel.errors import Untrusted
from cokernel.kernel.sockets import connect_channel

BEAT_EVERY_S = 1.0
SILENT_AFTER_S = 3.0
SECOND_LOOK_S = 0.2
"""After our own event loop was blocked, an echo that is there may still have to be read."""


class Heartbeat:
    """Calls back when the beat stops and when it comes back. Owned by a `ZmqLink`."""

    def __init__(self, connection: Mapping[str, Any], on_change: Callable[[bool], None]) -> None:
        """Begin at once; raises `Untrusted` if the connection does not say where to."""
        self._on_change = on_change
        self._beating = asyncio.Event()
        self._beating.set()
        # A context of its own: with IMMEDIATE a ping to a dead kernel would block instead of time out.
        self._context = zmq.asyncio.Context()
        self._connection = connection
        self._echo = self._connect()
        self._task = asyncio.create_task(self._run(), name="heartbeat")

    @property
    def is_beating(self) -> bool:
        return self._beating.is_set()

    async def beats(self) -> None:
        """Wait until it beats; returns at once if it does, as far as is known."""
        await self._beating.wait()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._context.destroy(linger=0)

    async def _run(self) -> None:
        while True:
            while await self._beat(self._echo):
                self._set(True)
                await asyncio.sleep(BEAT_EVERY_S)
            self._set(False)
            self._echo.close()  # a REQ socket that got no answer cannot ask again
            self._echo = self._connect()

    async def _beat(self, echo: zmq.asyncio.Socket) -> bool:
        await echo.send(b"ping")
        for wait_s in (SILENT_AFTER_S, SECOND_LOOK_S):
            if await echo.poll(int(wait_s * 1000)):
                await echo.recv()
                return True
        return False

    def _connect(self) -> zmq.asyncio.Socket:
        try:
            return connect_channel(self._context, self._connection, "hb")
        except Untrusted:
            self._context.destroy(linger=0)
            raise

    def _set(self, beating: bool) -> None:
        if beating is self.is_beating:
            return
        if beating:
            self._beating.set()
        else:
            self._beating.clear()
        self._on_change(beating)
