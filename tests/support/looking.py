"""A bridge reduced to its link and helper: the least that looks into a kernel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from cokernel.errors import CokernelError
from cokernel.kernel.inkernel import Change, Helper
from cokernel.kernel.link import Channel, LinkState, Message
from cokernel.kernel.zmq import ZmqLink
from tests.support.kernels import Kernel


class Agent:
    """Runs code and looks, as a session does."""

    def __init__(self, link: ZmqLink) -> None:
        self.link = link
        self.helper = Helper(link)
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._printed: dict[str, asyncio.Event] = {}
        link.observe(self)

    def message_arrived(self, message: Message) -> None:
        if message.msg_type == "execute_reply" and message.parent_id in self._replies:
            self._replies[message.parent_id].set_result(dict(message.content))
        if message.msg_type == "stream" and message.parent_id in self._printed:
            self._printed[message.parent_id].set()

    def state_changed(self, state: LinkState, detail: str) -> None:
        """Nothing to do: these tests keep their kernels alive."""

    def begin(self, code: str) -> tuple[str, asyncio.Future[dict[str, Any]]]:
        """Execute as a session does; the `msg_id`, and the reply when it comes."""
        msg_id = self.link.send(
            Channel.SHELL,
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": self.helper.user_expressions(),
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        reply = self._replies[msg_id] = asyncio.get_running_loop().create_future()
        self._printed[msg_id] = asyncio.Event()
        return msg_id, reply

    async def printed(self, msg_id: str) -> None:
        """Wait until that run has printed something."""
        await asyncio.wait_for(self._printed[msg_id].wait(), 30)

    async def execute(self, code: str) -> tuple[dict[str, Any], str]:
        """The reply and the `msg_id`."""
        msg_id, reply = self.begin(code)
        return await asyncio.wait_for(reply, 60), msg_id

    async def run(self, code: str) -> tuple[Change, ...]:
        """Execute code that must succeed; what it changed."""
        reply, _ = await self.execute(code)
        assert reply["status"] == "ok", reply
        return self.helper.changes_in(reply)


@contextlib.asynccontextmanager
async def agent_at(
    kernel: Kernel, *, install: bool = True, pid: int | None = None
) -> AsyncIterator[Agent]:
    """An agent at `kernel`. `pid` is what its bridge says of itself, if not the truth."""
    link = ZmqLink(kernel.connection, connection_file=str(kernel.connection_file), pid=kernel.pid)
    await link.connect(20)
    agent = Agent(link)
    try:
        if pid is not None:
            owner = agent.helper._owner
            agent.helper._owner = lambda: {**owner(), "pid": pid}  # type: ignore[method-assign]  # a dead one
        if install:
            await asyncio.wait_for(agent.helper.install(), 30)
        yield agent
    finally:
        with contextlib.suppress(CokernelError):
            await agent.helper.remove()
        await link.close()
