"""Serving a bridge: on a local socket, on stdio, over HTTP. Each connection is one agent.

On a socket or a pipe both directions are newline-delimited JSON. The streams here read and write asyncio's transports
themselves: the SDK's stdio transport moves each line through a thread, which is most of a short call's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

import mcp_types as types
from mcp.shared.message import SessionMessage

from cokernel import handshake
from cokernel.errors import StartFailed, Untrusted
from cokernel.server.announcements import Announcements
from cokernel.server.app import build_server
from cokernel.server.calls import OtherKernel
from cokernel.server.refusals import refusal_of, too_long
from cokernel.server.stdio import stdio_streams
from cokernel.session.bridge import Bridge
from cokernel.shares import Endpoint, Secret, new_socket_path

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 64_000_000
DRAIN_TIMEOUT_S = 10.0
"""A peer that reads nothing for so long has gone away."""
MAX_UNREAD_BYTES = 100_000_000
"""A peer that leaves more unread than dozens of results with images is let go of at once."""
END_GRACE_S = 1.0


class LineReader:
    """Messages from a byte stream: the SDK's `ReadStream`. What is no message is refused, and the next one read."""

    def __init__(self, reader: asyncio.StreamReader, refuse: Callable[[bytes], None]) -> None:
        """`refuse` gets the answers to lines that are no messages, which the SDK passes over."""
        self._reader = reader
        self._refuse = refuse

    async def receive(self) -> SessionMessage:
        return await self.__anext__()

    def __aiter__(self) -> LineReader:
        return self

    async def __anext__(self) -> SessionMessage:
        while line := await self._line():
            if not line.strip():
                continue
            message = _parsed(line)
            if message is not None:
                return SessionMessage(message)
            if (refusal := refusal_of(line)) is not None:
                self._refuse(refusal)
        raise StopAsyncIteration

    async def _line(self) -> bytes:
        """The next line that is not too long; empty at the end of the stream."""
        skipping = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as error:
                await self._reader.readexactly(error.consumed)
                skipping = True
            except asyncio.IncompleteReadError as error:
                return b"" if skipping else error.partial
            except ConnectionError as error:
                log.info("connection ended: %s", error)
                return b""
            else:
                if not skipping:
                    return line
                self._refuse(too_long(MAX_LINE_BYTES))
                skipping = False

    async def aclose(self) -> None:
        """Nothing to do: the connection's owner closes the transport."""

    async def __aenter__(self) -> LineReader:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def _parsed(line: bytes) -> types.JSONRPCMessage | None:
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        return None
    # A request whose id is of no permitted type fits the model of a notification, and would get no answer.
    is_mistaken = isinstance(message, types.JSONRPCNotification) and not message.method.startswith(
        "notifications/"
    )
    return None if is_mistaken else message


class LineWriter:
    """Messages to a byte stream: the SDK's `WriteStream`. Also sends asides to the front."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, item: SessionMessage, /) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        self.write(text.encode() + b"\n")
        await self._drain()

    def write(self, line: bytes) -> None:
        """Put one line into the stream at once."""
        if self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning("A client asks, and reads nothing: its connection ends.")
            self.abort()
        else:
            self._writer.write(line)

    def abort(self) -> None:
        """End it now: closing would keep what the peer has not read for as long as the peer lives."""
        self._writer.transport.abort()

    async def aclose(self) -> None:
        """Nothing to do: the connection's owner closes the transport."""

    async def __aenter__(self) -> LineWriter:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def _drain(self) -> None:
        try:
            await asyncio.wait_for(self._writer.drain(), DRAIN_TIMEOUT_S)
        except (ConnectionError, asyncio.TimeoutError):
            self.abort()


class Doorkeeper(Protocol):
    """Who may come in: the sharing layer knows the tokens of the shares that are open now."""

    def token_of(self, share: str) -> Secret | None:
        """None if there is no such share (any more)."""
        ...

    def welcome_of(self, share: str) -> tuple[str, str]:
        """Title and IDE of an open share."""
        ...


class _Connection:
    """One agent that is connected over a socket or a pipe."""

    def __init__(self, share: str | None, writer: asyncio.StreamWriter) -> None:
        self.share = share
        self.writer = writer
        self.lines = LineWriter(writer)
        self.task = asyncio.current_task()


class LocalEndpoint:
    """A bridge's local socket. `start` it, `close` it; `drop` ends the connections of one share."""

    def __init__(
        self,
        bridge: Bridge,
        doorkeeper: Doorkeeper,
        others: Callable[[], list[OtherKernel]],
        *,
        force_tcp: bool = False,
    ) -> None:
        """`force_tcp` listens on loopback TCP, as Windows does."""
        self._bridge = bridge
        self._doorkeeper = doorkeeper
        self._others = others
        self._tcp = force_tcp or not hasattr(asyncio, "start_unix_server")
        self._server: asyncio.AbstractServer | None = None
        self._starting = asyncio.Lock()
        self._address: Endpoint | None = None
        self._connections: set[_Connection] = set()

    @property
    def address(self) -> Endpoint:
        assert self._address is not None, "start it first"
        return self._address

    async def start(self) -> None:
        """Listen, if it does not yet.

        Raises
        ------
        StartFailed
            no socket can be had; the message says why.
        """
        async with self._starting:
            if self._server is None:
                await self._listen()

    async def _listen(self) -> None:
        try:
            if self._tcp:
                self._server = await asyncio.start_server(
                    self._accept, "127.0.0.1", 0, limit=MAX_LINE_BYTES
                )
                port = self._server.sockets[0].getsockname()[1]
                self._address = Endpoint("tcp", f"127.0.0.1:{port}")
            else:
                path = new_socket_path()
                self._server = await asyncio.start_unix_server(
                    self._accept, path, limit=MAX_LINE_BYTES
                )
                # The folder keeps others out already; this says so on the socket itself.
                os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
                self._address = Endpoint("unix", path)
        except OSError as error:
            raise StartFailed(f"No local socket can be opened: {error}.") from error

    async def drop(self, share: str, what: str, next_step: str) -> None:
        """End the connections that came in for one share, telling the fronts why."""
        await self._end([c for c in self._connections if c.share == share], what, next_step)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        await self._end(list(self._connections), "The bridge ended.", "")
        if self._address is not None and self._address.kind == "unix":
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._address.address)

    async def _end(self, connections: list[_Connection], what: str, next_step: str) -> None:
        tasks = [c.task for c in connections if c.task is not None]
        for connection in connections:
            connection.lines.write(handshake.lost_line(what, next_step))
            # Closing flushes what was written; the reading side sees the end and its calls are cancelled.
            connection.writer.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=END_GRACE_S)
        for connection in connections:
            # Whoever reads has read all by now; whoever does not must not hold memory.
            if connection.writer.transport.get_write_buffer_size():
                connection.lines.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            shaking = self._shake_hands(reader, writer)
            share, token = await asyncio.wait_for(shaking, handshake.DEADLINE_S)
            if self._doorkeeper.token_of(share) is not token:
                # It ended meanwhile, and `drop` could not see this connection yet.
                raise Untrusted("The share ended while a client came in.")
        except (Untrusted, ConnectionError, ValueError, asyncio.TimeoutError, EOFError) as error:
            # No answer: whoever it is learns nothing, not even what listens here.
            log.info("a connection was refused: %s", type(error).__name__)
            writer.close()
            return
        connection = _Connection(share, writer)
        self._connections.add(connection)
        try:
            await serve_lines(self._bridge, share, reader, connection.lines, self._others)
        except (asyncio.CancelledError, ConnectionError):
            log.debug("a connection ended")
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _shake_hands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, Secret]:
        challenge = handshake.new_nonce()
        writer.write(handshake.challenge_line(challenge))
        reply = handshake.read_answer(await _short_line(reader))
        token = self._doorkeeper.token_of(reply.share)
        if token is None or not reply.proves(token.reveal(), challenge):
            raise Untrusted("A client did not know the token of an open share.")
        title, ide = self._doorkeeper.welcome_of(reply.share)
        writer.write(handshake.welcome_line(reply, challenge, token.reveal(), title=title, ide=ide))
        await writer.drain()
        return reply.share, token


async def _short_line(reader: asyncio.StreamReader) -> bytes:
    """One line of the handshake; the reader's own limit is for what comes after it."""
    line = b""
    while not line.endswith(b"\n"):
        byte = await reader.readexactly(1)
        line += byte
        if len(line) > handshake.LINE_LIMIT:
            raise Untrusted("A line of the handshake is too long.")
    return line


async def serve_lines(
    bridge: Bridge,
    home: str | None,
    reader: asyncio.StreamReader,
    lines: LineWriter,
    others: Callable[[], list[OtherKernel]],
    announcements: Announcements | None = None,
) -> None:
    """Serve one agent until its side closes. Its unfinished calls are cancelled then, which interrupts their runs."""
    agent = bridge.agent_connected(home)

    def switch(share: str) -> None:
        lines.write(handshake.switch_line(share))

    server = build_server(
        bridge, lambda _: agent, switch=switch, others=others, announcements=announcements
    )
    try:
        await server.run(
            LineReader(reader, lines.write), lines, server.create_initialization_options()
        )
    finally:
        bridge.agent_gone(agent)


async def serve_stdio(bridge: Bridge, others: Callable[[], list[OtherKernel]]) -> None:
    """Serve one agent on this process's stdin and stdout until stdin ends."""
    async with stdio_streams(MAX_LINE_BYTES) as (reader, writer):
        await serve_lines(bridge, None, reader, LineWriter(writer), others, Announcements())
