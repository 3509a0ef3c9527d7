"""A client that starts the front and speaks JSON-RPC with it, line by line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

LAUNCHER = str(Path(__file__).with_name("front_launcher.py"))
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
TIMEOUT_S = 60.0


class FrontClient:
    """`async with FrontClient() as client:` has a front running in the folder `cwd`."""

    def __init__(
        self,
        cwd: str | Path = "/",
        *,
        modern: bool = True,
        stderr: int | None = None,
        command: tuple[str, ...] = (sys.executable, LAUNCHER),
        **env: str,
    ) -> None:
        self._cwd = cwd
        self._modern = modern
        self._stderr = stderr
        self._command = command
        self._env = env
        self._next_id = 0
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.unasked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        """Whatever came that answers nothing: notifications, requests, errors without id."""
        self.garbage: list[bytes] = []

    async def __aenter__(self) -> FrontClient:
        unwanted = {"CLAUDE_PROJECT_DIR", "COKERNEL_SHARE", "COKERNEL_CONNECTION"}
        environment = {k: v for k, v in os.environ.items() if k not in unwanted} | self._env
        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=self._cwd,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._stderr,
            limit=2**26,
        )
        self._reading = asyncio.create_task(self._read())
        if not self._modern:
            await self.initialize()
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except asyncio.TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self._reading

    async def initialize(self) -> dict[str, Any]:
        answer = await self.ask(
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo={"name": "test", "version": "1"},
        )
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    async def send(self, message: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        await self.process.stdin.drain()

    async def begin(self, method: str, **params: Any) -> asyncio.Future[dict[str, Any]]:
        """Send a request; the answer comes later."""
        self._next_id += 1
        if self._modern:
            params["_meta"] = META
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        future.request_id = self._next_id  # type: ignore[attr-defined]  # for `cancel`
        self._answers[json.dumps(self._next_id)] = future
        # As the TypeScript SDK orders it: the id last.
        await self.send({"method": method, "params": params, "jsonrpc": "2.0", "id": self._next_id})
        return future

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await asyncio.wait_for(await self.begin(method, **params), TIMEOUT_S)

    async def begin_call(self, tool: str, **arguments: Any) -> asyncio.Future[dict[str, Any]]:
        return await self.begin("tools/call", name=tool, arguments=arguments)

    async def call(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's result; begins with `error: ` if it is one."""
        return text_of(await self.ask("tools/call", name=tool, arguments=arguments))

    async def run(self, code: str = "x") -> str:
        return await self.call("execute_code", code=code)

    async def cancel(self, future: asyncio.Future[dict[str, Any]]) -> None:
        params = {"requestId": future.request_id}  # type: ignore[attr-defined]  # set by `begin`
        await self.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    async def next_unasked(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.unasked.get(), TIMEOUT_S)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:
                self.garbage.append(line)
                continue
            future = None
            if "method" not in message and message.get("id") is not None:
                future = self._answers.pop(json.dumps(message["id"]), None)
            if future is None:
                self.unasked.put_nowait(message)
            elif not future.done():
                future.set_result(message)
        for future in self._answers.values():
            if not future.done():
                future.set_exception(EOFError("the front ended"))
                future.exception()


def text_of(answer: dict[str, Any]) -> str:
    result = answer["result"]
    text = "\n".join(block["text"] for block in result["content"])
    return f"error: {text}" if result.get("isError") else text
