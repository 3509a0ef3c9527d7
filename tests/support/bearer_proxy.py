"""A test-only way in for a client that cannot send our token: it adds the header to every request, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

HEAD_LIMIT = 2**16


@contextlib.asynccontextmanager
async def bearer_proxy(url: str, token: str) -> AsyncIterator[str]:
    """An address that leads to `url` with the token added. One request for each connection keeps it simple."""
    target = urlsplit(url)
    added = f"Authorization: Bearer {token}\r\nConnection: close\r\n".encode()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _hand_on(reader, writer)
        writer.close()

    async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        kept = [header for header in headers if not header.lower().startswith(b"connection:")]
        up_reader, up_writer = await asyncio.open_connection(target.hostname, target.port)
        up_writer.write(request + b"\r\n" + added + b"\r\n".join(kept))
        sending = asyncio.create_task(_pump(reader, up_writer))
        try:
            await _pump(up_reader, writer)
        finally:
            sending.cancel()
            up_writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=HEAD_LIMIT)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{target.path}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes until the end; the client's end ends the request too, which cancels its call."""
    while chunk := await reader.read(HEAD_LIMIT):
        writer.write(chunk)
        await writer.drain()
    writer.close()
