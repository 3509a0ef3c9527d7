"""Whatever bytes a client sends: each request that can be told apart is answered, and the session loses nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cokernel import handshake
from cokernel.server.endpoint import MAX_LINE_BYTES
from cokernel.server.refusals import refusal_of
from cokernel.session.policy import Mode
from tests.support.front_client import META
from tests.support.kernels import Kernel
from tests.support.real_endpoint import RealEndpoint
from tests.support.sessions import PATIENCE_S

pytestmark = pytest.mark.live

PARSE_ERROR, INVALID_REQUEST = -32700, -32600


class RawClient:
    """Lines in, messages out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._asked = 0

    async def send(self, line: bytes) -> None:
        self._writer.write(line + b"\n")
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()

    async def answer(self) -> dict[str, Any]:
        """The next answer, whatever it answers."""
        while True:
            line = await asyncio.wait_for(self._reader.readline(), PATIENCE_S)
            assert line, "the connection was closed"
            message: dict[str, Any] = json.loads(line)
            if "id" in message and "method" not in message:
                return message

    async def call(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's answer, which must be the next answer of all."""
        self._asked += 1
        params = {"name": tool, "arguments": arguments, "_meta": META}
        request = {"jsonrpc": "2.0", "id": self._asked, "method": "tools/call", "params": params}
        await self.send(json.dumps(request).encode())
        answer = await self.answer()
        assert answer["id"] == self._asked, answer
        return "\n".join(part["text"] for part in answer["result"]["content"])


@pytest.fixture(params=["stdio", "socket"])
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RawClient]:
    """Behind the stand-alone bridge's pipe, and behind the handshake of a share's socket; no front between."""
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "state"))
    if request.param == "socket":
        kernel: Kernel = request.getfixturevalue("plain_kernel")
        async with RealEndpoint() as door:
            await door.bridge.attach(
                kernel.connection,
                connection_file=None,
                title="Console 1/A",
                kernel_id=door.share,
                mode=Mode.FREE,
            )
            reader, writer = await asyncio.open_unix_connection(door.endpoint.address, limit=2**27)
            challenge = handshake.read_challenge(await reader.readline())
            token = door.token.reveal()
            writer.write(
                handshake.answer(challenge, handshake.new_nonce(), token, share=door.share)
            )
            await reader.readline()
            yield RawClient(reader, writer)
            writer.close()
        return
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cokernel", "serve", "--stdio"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        limit=2**27,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield RawClient(process.stdout, process.stdin)
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 20) == 0


REFUSED: tuple[tuple[bytes, object, int], ...] = (
    (b"{", None, PARSE_ERROR),
    (b"\xff\xfe\x00", None, PARSE_ERROR),
    (b"x" * 200_000, None, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"a","params":' + b"[" * 100_000, None, PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"a"}', None, PARSE_ERROR),
    (b"[]", None, INVALID_REQUEST),
    (b"null", None, INVALID_REQUEST),
    (b"{}", None, INVALID_REQUEST),
    (b'{"jsonrpc":"1.0","id":"a","method":"tools/list"}', "a", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":true,"method":"tools/list"}', None, INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"a","method":5}', "a", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"a","method":"tools/call","params":[1]}', "a", INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":"a","method":"b","params":{"c":"\\ud800"}}', "a", INVALID_REQUEST),
    (b'{"cokernel": {"switch": {"share": "x"}}}', None, INVALID_REQUEST),
)
PASSED_OVER = (
    b"",
    b"   ",
    b'{"jsonrpc":"2.0","method":"notifications/nothing","params":[]}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled"}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"a":1}}}',
    b'{"jsonrpc":"2.0","id":99,"result":5}',
    b'{"jsonrpc":"2.0","id":99,"error":5}',
)


async def test_what_is_no_message_is_refused_and_the_session_goes_on(client: RawClient):
    await client.call("execute_code", code="kept = 41")
    for line, identity, code in REFUSED:
        await client.send(line)
        answer = await client.answer()
        assert (answer["id"], answer["error"]["code"]) == (identity, code), (line[:80], answer)
    for line in PASSED_OVER:
        await client.send(line)
    assert "41" in await client.call("execute_code", code="kept")


async def test_a_line_that_is_too_long_is_refused_and_the_next_one_read(client: RawClient):
    await client.call("execute_code", code="kept = 41")
    await client.send(b'{"jsonrpc":"2.0","id":"a","method":"' + b"x" * MAX_LINE_BYTES + b'"}')
    assert "more than 64000000 bytes" in (await client.answer())["error"]["message"]
    assert "41" in await client.call("execute_code", code="kept")


async def test_a_call_that_is_cancelled_twice_ends_once(client: RawClient):
    await client.call("execute_code", code="kept = 41")
    params = {"name": "execute_code", "arguments": {"code": "input()"}, "_meta": META}
    request = {"jsonrpc": "2.0", "id": "twice", "method": "tools/call", "params": params}
    await client.send(json.dumps(request).encode())
    for _ in range(3):
        await client.send(
            b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"twice"}}'
        )
    assert "41" in await client.call("execute_code", code="kept")


async def test_one_id_used_twice_answers_at_least_once_and_harms_no_other_call(client: RawClient):
    params = {"name": "list_kernels", "arguments": {}, "_meta": META}
    request = {"jsonrpc": "2.0", "id": "same", "method": "tools/call", "params": params}
    for _ in range(2):
        await client.send(json.dumps(request).encode())
    assert (await client.answer())["id"] == "same"
    await client.send(b"{")
    seen = [await client.answer()]
    while seen[-1]["id"] is not None:
        seen.append(await client.answer())
    assert {each["id"] for each in seen} <= {"same", None}


async def test_the_eras_are_not_mixed_and_the_first_one_goes_on(client: RawClient):
    await client.call("execute_code", code="kept = 41")
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x"}}
    for method, params in (("initialize", hello), ("tools/list", {}), ("tools/call", {})):
        request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
        await client.send(json.dumps(request).encode())
        answer = await client.answer()
        assert (answer["id"], "error" in answer) == (method, True)
    assert "41" in await client.call("execute_code", code="kept")


async def entered(door: RealEndpoint, limit: int = 2**27) -> RawClient:
    """A client behind the handshake of a share's socket; it takes about `limit` bytes from there without being read."""
    reader, writer = await asyncio.open_unix_connection(door.endpoint.address, limit=limit)
    challenge = handshake.read_challenge(await reader.readline())
    token = door.token.reveal()
    writer.write(handshake.answer(challenge, handshake.new_nonce(), token, share=door.share))
    await reader.readline()
    return RawClient(reader, writer)


async def test_a_client_that_asks_and_never_reads_is_let_go_of_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("cokernel.server.endpoint.DRAIN_TIMEOUT_S", 1.0)
    params = {"_meta": META}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
    async with RealEndpoint() as door:
        greedy, other = await entered(door, limit=1_000), await entered(door)

        async def ask_for_ever() -> None:
            for number in itertools.count():
                await greedy.send(json.dumps({**request, "id": number}).encode())

        asking = asyncio.ensure_future(ask_for_ever())
        assert "kernel" in await other.call("list_kernels")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(asking, PATIENCE_S)
        assert "kernel" in await other.call("list_kernels")
        other.close()
        greedy.close()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_passed_over(line: bytes):
    refusal = refusal_of(line)
    assert refusal is None or json.loads(refusal)["error"]["code"] in (
        PARSE_ERROR,
        INVALID_REQUEST,
    )
