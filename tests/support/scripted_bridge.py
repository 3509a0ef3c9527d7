"""A bridge that plays its part by script: real sockets, real handshake, real JSON-RPC of both eras, no kernel.

    async with ScriptedBridge(title="Console 1/A") as bridge:      # listens, and publishes its record
        ...
        await bridge.seen("tools/call")                              # the request, once it is there

`execute_code` obeys its code: `block` waits for `bridge.release()`, `die` breaks the connection, `bytes N` answers N
bytes, anything else is echoed. `use_kernel` with the id of another share sends the front there.

As a program it is the stand-alone bridge: `python scripted_bridge.py` speaks on stdio.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from cokernel import handshake, shares
from cokernel.errors import Untrusted

LIMIT = 2**26
MODERN = "io.modelcontextprotocol/protocolVersion"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
Send = Callable[[bytes], Awaitable[None]]


class ScriptedBreakError(Exception):
    """The script wants the connection broken."""


class Script:
    """What a bridge answers; shared by all its connections."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let every `block` go on."""
        self._released.set()

    async def seen(self, method: str, **params: Any) -> dict[str, Any]:
        """The first message of that method with these parameters, as soon as it is there."""
        async with self._arrived:
            await asyncio.wait_for(
                self._arrived.wait_for(lambda: self._find(method, params) is not None), 10
            )
        found = self._find(method, params)
        assert found is not None
        return found

    def _find(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        for request in self.requests:
            given = request.get("params", {})
            if request["method"] == method and params.items() <= given.items():
                return request
        return None

    async def handle(self, line: bytes, send: Send) -> None:
        message = json.loads(line)
        message.setdefault("method", "")
        async with self._arrived:
            self.requests.append(message)
            self._arrived.notify_all()
        if message["method"] == "subscriptions/listen":
            await self._acknowledge(message, send)
        elif "id" in message and message["method"]:
            result = await self._result(message, send)
            answer = {"jsonrpc": "2.0", "id": message["id"], **result}
            await send(json.dumps(answer).encode())

    async def _acknowledge(self, message: dict[str, Any], send: Send) -> None:
        params = {**message["params"], "_meta": {SUBSCRIPTION: message["id"]}}
        await notify(send, "notifications/subscriptions/acknowledged", params)

    async def _result(self, message: dict[str, Any], send: Send) -> dict[str, Any]:
        params = message.get("params", {})
        capabilities = {"tools": {"listChanged": True}}
        if message["method"] == "initialize":
            result: dict[str, Any] = {
                "protocolVersion": params["protocolVersion"],
                "capabilities": capabilities,
                "serverInfo": {"name": self.name, "version": "1"},
            }
        elif message["method"] == "server/discover":
            result = {"supportedVersions": ["2026-07-28"], "capabilities": capabilities}
        elif message["method"] == "tools/list":
            result = {"tools": [{"name": "execute_code", "inputSchema": {"type": "object"}}]}
        elif message["method"] == "tools/call":
            text = await self._call(params["name"], params.get("arguments", {}), send)
            result = {
                "content": [{"type": "text", "text": text}],
                "isError": text.startswith("no "),
            }
        else:
            return {"error": {"code": -32601, "message": "Method not found"}}
        if MODERN in params.get("_meta", {}):
            result["resultType"] = "complete"
        return {"result": result}

    async def _call(self, tool: str, arguments: dict[str, Any], send: Send) -> str:
        if tool == "use_kernel":
            return await self._use_kernel(arguments["kernel"], send)
        code = arguments.get("code", "")
        if code == "block":
            await self._released.wait()
        elif code == "die":
            raise ScriptedBreakError
        elif code == "ask":
            request = {"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}}
            await send(json.dumps(request).encode())
        elif code.startswith("bytes "):
            return "x" * int(code[6:])
        return f"{self.name}: {tool} {code}".strip()

    async def _use_kernel(self, kernel: str, send: Send) -> str:
        if kernel in ("new", "private kernel", self.name):
            return f"{self.name}: here"
        if shares.is_share_id(kernel) and kernel.startswith("share"):
            await send(handshake.switch_line(kernel).strip())
            return f"now in {kernel}"
        return f"no kernel {kernel}"


async def notify(send: Send, method: str, params: dict[str, Any]) -> None:
    await send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())


class ScriptedBridge(Script):
    """Serves one share on a local socket."""

    def __init__(
        self,
        share: str | None = None,
        *,
        title: str = "Console 1/A",
        workspaces: tuple[str, ...] = (),
        connection_file: str = "",
        kernel_pid: int | None = None,
        tcp: bool = False,
    ) -> None:
        self.share = share or f"share-{os.urandom(4).hex()}"
        super().__init__(self.share)
        self.title = title
        self.workspaces = workspaces
        self.connection_file = connection_file
        self.kernel_pid = kernel_pid
        self.tcp = tcp
        self.token = shares.new_token()
        self.clients: list[handshake.Answer] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.endpoint = shares.Endpoint("unix", "")

    async def __aenter__(self) -> ScriptedBridge:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def start(self, *, publish: bool = True) -> None:
        if self.tcp:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=LIMIT)
            port = self._server.sockets[0].getsockname()[1]
            self.endpoint = shares.Endpoint("tcp", f"127.0.0.1:{port}")
        else:
            path = shares.new_socket_path()
            self._server = await asyncio.start_unix_server(self._connected, path, limit=LIMIT)
            self.endpoint = shares.Endpoint("unix", path)
        if publish:
            self.publish()

    def publish(self) -> shares.ShareRecord:
        record = shares.describe(
            self.share,
            ide="Spyder",
            title=self.title,
            mode="free",
            endpoint=self.endpoint,
            token=self.token,
            connection_file=self.connection_file,
            kernel_pid=self.kernel_pid,
            workspaces=self.workspaces,
        )
        shares.publish(record)
        return record

    async def lose(self, what: str, next_step: str) -> None:
        """End the share as an IDE does: the record goes, clients are told, connections close."""
        shares.withdraw(self.share)
        for writer in self._writers:
            writer.write(handshake.lost_line(what, next_step))
        await self.stop()

    async def stop(self) -> None:
        """End everything at once, as if the process had been killed."""
        shares.withdraw(self.share)
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._writers):
            writer.close()

    async def tell(self, method: str, params: dict[str, Any]) -> None:
        """A notification to every client."""
        for writer in self._writers:
            await notify(self._sender(writer), method, params)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.wait_for(self._shake_hands(reader, writer), handshake.DEADLINE_S)
            self._writers.add(writer)
            await self._pump(reader, self._sender(writer))
        except (Untrusted, ScriptedBreakError, OSError, ValueError, asyncio.TimeoutError):
            pass  # whatever comes, such a connection just ends
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _shake_hands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        challenge = handshake.new_nonce()
        writer.write(handshake.challenge_line(challenge))
        reply = handshake.read_answer(await self._first_line(reader))
        token = self.token.reveal()
        if reply.share != self.share or not reply.proves(token, challenge):
            raise Untrusted("wrong token")
        self.clients.append(reply)
        line = handshake.welcome_line(reply, challenge, token, title=self.title, ide="Spyder")
        writer.write(line)

    async def _first_line(self, reader: asyncio.StreamReader) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            byte = await reader.read(1)
            if not byte or len(line) >= handshake.LINE_LIMIT:
                raise Untrusted("no line")
            line += byte
        return line

    async def _pump(self, reader: asyncio.StreamReader, send: Send) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while line := await reader.readline():
                task = asyncio.ensure_future(self.handle(line, send))
                running.add(task)
                await asyncio.sleep(0)
                for done in [task for task in running if task.done()]:
                    running.discard(done)
                    done.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _sender(self, writer: asyncio.StreamWriter) -> Send:
        async def send(line: bytes) -> None:
            writer.write(line + b"\n")
            await writer.drain()

        return send


async def serve_stdio() -> None:
    """The stand-alone bridge. `COKERNEL_SCRIPT` makes it misbehave: `ignore-eof`, `exit`."""
    how = os.environ.get("COKERNEL_SCRIPT", "")
    if how == "exit":
        sys.exit(3)
    script = Script("private")
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running: set[asyncio.Task[None]] = set()

    async def send(line: bytes) -> None:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    while line := await reader.readline():
        running.add(asyncio.ensure_future(_handle_or_die(script, line, send)))
    if how == "ignore-eof":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        await asyncio.Event().wait()


async def _handle_or_die(script: Script, line: bytes, send: Send) -> None:
    try:
        await script.handle(line, send)
    except ScriptedBreakError:
        os._exit(3)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve_stdio())
