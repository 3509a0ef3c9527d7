"""This process's stdin and stdout as asyncio streams, whatever they are.

A loop can wait for pipes, sockets and terminals, but not for files and `/dev/null`, and on Windows for none of them:
there, threads move the bytes between them and a pair of sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import sys
import threading
from collections.abc import AsyncIterator

CHUNK_BYTES = 65_536
FLUSH_TIMEOUT_S = 2.0
"""How long the last answers may take to be written when the session ends."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def stdio_streams(limit: int) -> AsyncIterator[Streams]:
    """Reader and writer for as long as the context lasts; `limit` is the longest line in bytes.

    Whatever else in this process prints goes to stderr from here on, and whatever reads stdin finds it empty.
    """
    wire_in, wire_out = _take_over()
    if _loop_can_wait_for(wire_in) and _loop_can_wait_for(wire_out):
        reader, writer = await _pipes(wire_in, wire_out, limit)
        try:
            yield reader, writer
        finally:
            writer.close()
        return
    async with _through_threads(wire_in, wire_out, limit) as streams:
        yield streams


def _take_over() -> tuple[int, int]:
    wire_in, wire_out = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return wire_in, wire_out


def _loop_can_wait_for(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    kind = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
    return kind and sys.platform != "win32"


async def _pipes(wire_in: int, wire_out: int, limit: int) -> Streams:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(wire_in, "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(wire_out, "wb", 0)
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


@contextlib.asynccontextmanager
async def _through_threads(wire_in: int, wire_out: int, limit: int) -> AsyncIterator[Streams]:
    ours, theirs = socket.socketpair()
    reading = threading.Thread(target=_read, args=(wire_in, theirs), name="stdin", daemon=True)
    writing = threading.Thread(target=_write, args=(theirs, wire_out), name="stdout", daemon=True)
    reading.start()
    writing.start()
    reader, writer = await asyncio.open_connection(sock=ours, limit=limit)
    try:
        yield reader, writer
    finally:
        writer.close()
        await asyncio.to_thread(writing.join, FLUSH_TIMEOUT_S)


def _read(wire_in: int, to: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other end is gone: the session is over
        while chunk := os.read(wire_in, CHUNK_BYTES):
            to.sendall(chunk)
        to.shutdown(socket.SHUT_WR)


def _write(source: socket.socket, wire_out: int) -> None:
    with contextlib.suppress(OSError):  # nobody reads our stdout any more: the session is over
        while chunk := source.recv(CHUNK_BYTES):
            view = memoryview(chunk)
            while view:
                view = view[os.write(wire_out, view) :]
