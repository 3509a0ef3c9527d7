"""The SDK's client in a kernel, each way that cokernel can be reached."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ImageContent, TextContent

from cokernel import handshake
from cokernel.host import BridgeHost, Mode
from cokernel.kernel.link import LinkState
from cokernel.server.app import build_server
from cokernel.server.endpoint import LineReader, LineWriter
from cokernel.session.activity import Activity
from cokernel.session.bridge import Bridge
from cokernel.session.session import Session
from cokernel.shares import ShareRecord, list_shares

WAYS = ("memory", "socket", "front", "stdio", "http")
"""In process; the local socket; the front before it; a stand-alone bridge's pipe; a stand-alone bridge's HTTP port."""
MODES = ("auto", "legacy")
"""The stateless era (2026-07-28), and the one that begins with `initialize`."""
COKERNEL = (sys.executable, "-m", "cokernel")
FRONT = (sys.executable, "-c", "import sys; from cokernel.front import main; sys.exit(main())")
TOKEN = "a-token-of-the-tests"
START_TIMEOUT_S = 60.0
LINE_LIMIT = 2**26


class Unwatched:
    """An observer of a bridge that nobody watches."""

    def activity_changed(self, session: Session, entry: Activity) -> None: ...

    def outputs_changed(self, session: Session, number: int) -> None: ...

    def link_changed(self, session: Session, state: LinkState, detail: str) -> None: ...

    def agents_changed(self) -> None: ...


def unwatched_bridge(connection_file: str | None = None) -> Bridge:
    """A bridge in this process; agents work in that kernel, or in a private one."""
    return Bridge(place="Test", observer=Unwatched(), mode=Mode.FREE, default=connection_file)


@dataclass(frozen=True)
class Connect:
    """One way to one kernel: `async with connect() as client:`."""

    way: str
    mode: str
    connection_file: Path

    def __call__(self) -> contextlib.AbstractAsyncContextManager[Client]:
        return {
            "memory": self._in_memory,
            "socket": self._over_socket,
            "front": self._through_front,
            "stdio": self._over_stdio,
            "http": self._over_http,
        }[self.way]()

    def _client(self, server: Any) -> Client:
        return Client(server, mode=self.mode, read_timeout_seconds=START_TIMEOUT_S)

    @contextlib.asynccontextmanager
    async def _in_memory(self) -> AsyncIterator[Client]:
        bridge = unwatched_bridge(str(self.connection_file))
        agent = bridge.agent_connected(None)
        server = build_server(bridge, lambda _: agent, switch=None, others=list)
        try:
            async with self._client(server) as client:
                yield client
        finally:
            await bridge.close("The test ended.")

    @contextlib.asynccontextmanager
    async def _over_socket(self) -> AsyncIterator[Client]:
        async with (
            shared(self.connection_file) as record,
            self._client(_socket_transport(record)) as client,
        ):
            yield client

    @contextlib.asynccontextmanager
    async def _through_front(self) -> AsyncIterator[Client]:
        async with shared(self.connection_file), self._client(_command(FRONT)) as client:
            yield client

    @contextlib.asynccontextmanager
    async def _over_stdio(self) -> AsyncIterator[Client]:
        serve = ("serve", "--stdio", "--connection-file", str(self.connection_file))
        async with self._client(_command((*COKERNEL, *serve))) as client:
            yield client

    @contextlib.asynccontextmanager
    async def _over_http(self) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            http_server("--connection-file", str(self.connection_file)) as url,
            httpx2.AsyncClient(headers=headers, timeout=START_TIMEOUT_S) as http,
            self._client(streamable_http_client(url, http_client=http)) as client,
        ):
            yield client


@contextlib.asynccontextmanager
async def shared(connection_file: Path) -> AsyncIterator[ShareRecord]:
    """An IDE's bridge that shares this kernel."""
    host = BridgeHost(ide="Test", on_event=lambda _: None)
    host.start()
    try:
        share = host.share(str(connection_file), title="Console 1/A", mode=Mode.FREE)
        await asyncio.wait_for(asyncio.wrap_future(share), START_TIMEOUT_S)
        (record,) = list_shares()
        yield record
    finally:
        assert await asyncio.to_thread(host.stop)


@contextlib.asynccontextmanager
async def http_server(*arguments: str) -> AsyncIterator[str]:
    """`cokernel serve --http` on a free port; its address. `TOKEN` is its token."""
    command = (*COKERNEL, "serve", "--http", "--port", "0", *arguments)
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**_environment(), "COKERNEL_HTTP_TOKEN": TOKEN},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stderr.readline(), START_TIMEOUT_S)
        assert b"http://" in line, line + await process.stderr.read()
        yield line.split()[-1].decode()
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), START_TIMEOUT_S)


def _command(command: tuple[str, ...]) -> StdioServerParameters:
    return StdioServerParameters(command=command[0], args=list(command[1:]), env=_environment())


def _environment() -> dict[str, str]:
    unwanted = {"COKERNEL_SHARE", "COKERNEL_CONNECTION", "IPYTHON_MCP_CONNECTION"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


@contextlib.asynccontextmanager
async def _socket_transport(
    record: ShareRecord,
) -> AsyncIterator[tuple[LineReader, LineWriter]]:
    """The client's side of the local socket: the handshake, then lines."""
    reader, writer = await asyncio.open_unix_connection(record.endpoint.address, limit=LINE_LIMIT)
    try:
        token, nonce = record.token.reveal(), handshake.new_nonce()
        challenge = handshake.read_challenge(await reader.readline())
        writer.write(handshake.answer(challenge, nonce, token, share=record.share))
        handshake.read_welcome(await reader.readline(), challenge, nonce, token)
        yield LineReader(reader, writer.write), LineWriter(writer)
    finally:
        writer.close()


def text_of(result: CallToolResult) -> str:
    """All the text that a model would read."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def images_of(result: CallToolResult) -> list[ImageContent]:
    return [block for block in result.content if isinstance(block, ImageContent)]
