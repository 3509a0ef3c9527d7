"""A real MCP client, connected through the front, in a thread: so that Qt's loop goes on in the test's own."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TextIO

from mcp import Client, types
from mcp.client.stdio import StdioServerParameters, stdio_client

CALL_TIMEOUT_S = 60.0


class Agent:
    """`with Agent(name="Claude Code") as agent: future = agent.run("1 + 1")`"""

    def __init__(self, name: str = "Claude Code", cwd: Path | None = None) -> None:
        self._name = name
        self._cwd = cwd
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="agent", daemon=True)
        self._client: Client | None = None
        self._close = asyncio.Event()

    def __enter__(self) -> Agent:
        self._thread.start()
        ready: Future[None] = Future()
        # Inside Spyder `sys.stderr` is no file.
        with Path(os.devnull).open("w", encoding="utf-8") as errors:
            self._life = self._submit(self._live(ready, errors))
            ready.result(CALL_TIMEOUT_S)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._loop.call_soon_threadsafe(self._close.set)
        self._life.result(CALL_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    def run(self, code: str, **arguments: Any) -> Future[str]:
        """The text of `execute_code`'s result."""
        return self.call("execute_code", code=code, **arguments)

    def call(self, tool: str, **arguments: Any) -> Future[str]:
        return self._submit(self._call(tool, arguments))

    async def _live(self, ready: Future[None], errors: TextIO) -> None:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "cokernel"],
            env=dict(os.environ),
            cwd=self._cwd,
        )
        info = types.Implementation(name=self._name, version="0")
        try:
            transport = stdio_client(server, errlog=errors)
            async with Client(transport, client_info=info) as self._client:
                ready.set_result(None)
                await self._close.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    async def _call(self, tool: str, arguments: dict[str, Any]) -> str:
        assert self._client is not None
        result = await self._client.call_tool(tool, arguments)
        texts = [part.text for part in result.content if isinstance(part, types.TextContent)]
        return "\n".join(texts)

    def _submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def awaited(qtbot: Any, future: Future[str], timeout_s: float = CALL_TIMEOUT_S) -> str:
    """The result of a call, with Qt's loop going on."""
    qtbot.waitUntil(future.done, timeout=int(timeout_s * 1000))
    return future.result(0)


def settled(qtbot: Any, condition: Callable[[], bool], timeout_s: float = CALL_TIMEOUT_S) -> None:
    """Wait until something is so, with Qt's loop going on."""
    qtbot.waitUntil(lambda: bool(condition()), timeout=int(timeout_s * 1000))
