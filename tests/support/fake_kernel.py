"""A kernel that says whatever a test wants, signed with the right key: real sockets, the real wire format, no code run.

async with FakeKernel(key, says=lambda request: [...]) as connection:      # a connection file's content
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import zmq
import zmq.asyncio

from cokernel.kernel.wire import Codec


class Say(NamedTuple):
    """One message of the kernel; `iopub` or the channel that the request came on."""

    channel: str
    msg_type: str
    content: Any
    frames: Callable[[list[bytes]], list[bytes]] = lambda frames: frames
    """Changes the signed frames before they are sent."""


Says = Callable[[dict[str, Any]], Sequence[Say]]
"""What it says to an `execute_request` or a request of the helper, given its header and content."""


class FakeKernel:
    """Answers `kernel_info`; everything else is up to `says`, between a `busy` and an `idle`."""

    def __init__(self, says: Says, *, is_ipython: bool = False) -> None:
        self._says = says
        self._codec = Codec(b"the key")
        self._context = zmq.asyncio.Context()
        self._sockets: dict[str, zmq.asyncio.Socket] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._info = {
            "implementation": "ipython" if is_ipython else "fake",
            "language_info": {"name": "python" if is_ipython else "fake"},
        }

    async def __aenter__(self) -> dict[str, Any]:
        kinds = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER}
        kinds |= {"iopub": zmq.PUB, "hb": zmq.REP}
        ports = {}
        for name, kind in kinds.items():
            zsocket = self._sockets[name] = self._context.socket(kind)
            ports[f"{name}_port"] = zsocket.bind_to_random_port("tcp://127.0.0.1")
        work = [self._answer("shell"), self._answer("control"), self._echo()]
        self._tasks = [asyncio.create_task(one) for one in work]
        return {"transport": "tcp", "ip": "127.0.0.1", "key": "the key", **ports}

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._context.destroy(linger=0)
        failed = [e for e in ended if not isinstance(e, asyncio.CancelledError)]
        assert failed == [], failed

    async def _echo(self) -> None:
        while True:
            await self._sockets["hb"].send(await self._sockets["hb"].recv())

    async def _answer(self, channel: str) -> None:
        while True:
            identity, *frames = await self._sockets[channel].recv_multipart()
            header, content = json.loads(frames[2]), json.loads(frames[5])
            await self._publish(header, "status", {"execution_state": "busy"})
            if header["msg_type"] == "kernel_info_request":
                await self._reply(channel, identity, header, "kernel_info_reply", self._info)
            else:
                for said in self._says({**header, "content": content}):
                    await self._say(said, channel, identity, header)
            await self._publish(header, "status", {"execution_state": "idle"})

    async def _say(self, said: Say, channel: str, identity: bytes, parent: Any) -> None:
        _, frames = self._codec.encode(said.msg_type, said.content, parent=parent)
        frames = said.frames(frames)
        if said.channel == "iopub":
            await self._sockets["iopub"].send_multipart([b"topic", *frames])
        else:
            await self._sockets[channel].send_multipart([identity, *frames])

    async def _publish(self, parent: Any, msg_type: str, content: Any) -> None:
        await self._say(Say("iopub", msg_type, content), "", b"", parent)

    async def _reply(
        self, channel: str, identity: bytes, parent: Any, msg_type: str, content: Any
    ) -> None:
        await self._say(Say(channel, msg_type, content), channel, identity, parent)
