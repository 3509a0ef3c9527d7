"""What reaches a bridge's socket without the token gets nothing, and harms nobody who has it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from cokernel import handshake, shares
from tests.support.front_client import META, FrontClient
from tests.support.other_user import needs_root, public_folder, run_as_nobody
from tests.support.real_endpoint import RealEndpoint

HTTP = [
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}\r\n",
    b"OPTIONS * HTTP/1.1\r\nOrigin: null\r\n\r\n",
    b'POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n{"cokernel": {"version": 1}}\n',
]
OTHER_BYTES = [
    b"\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x00" * 5000,
    b"x" * 100_000,
    b"[" * 4000 + b"\n",
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}\n',
    b'{"cokernel": {"version": 2, "nonce": "0"}}\n',
]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


async def connect(
    endpoint: shares.Endpoint,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if endpoint.kind == "tcp":
        return await asyncio.open_connection(*endpoint.host_and_port())
    return await asyncio.open_unix_connection(endpoint.address)


async def said_to(endpoint: shares.Endpoint, data: bytes) -> bytes:
    """Everything that a connection answers to these bytes after its challenge, until it is closed."""
    reader, writer = await connect(endpoint)
    try:
        handshake.read_challenge(await asyncio.wait_for(reader.readline(), 10))
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""  # closed before it had read everything
    finally:
        writer.close()


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("data", [*HTTP, *OTHER_BYTES], ids=range(len(HTTP) + len(OTHER_BYTES)))
async def test_anything_but_the_handshake_is_closed_without_an_answer(data: bytes, tcp: bool):
    async with RealEndpoint(tcp=tcp) as door:
        assert await said_to(door.endpoint, data) == b""
        assert door.visits == 0


async def answer_with(endpoint: shares.Endpoint, token: str, share: str) -> bytes:
    """What comes after a well-formed answer, with a request right behind it."""
    reader, writer = await connect(endpoint)
    try:
        challenge = handshake.read_challenge(await asyncio.wait_for(reader.readline(), 10))
        writer.write(handshake.answer(challenge, handshake.new_nonce(), token, share=share))
        writer.write(b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}\n')
        return await asyncio.wait_for(reader.readline(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_wrong_token_and_an_unknown_share_look_the_same():
    async with RealEndpoint() as door:
        token, wrong = door.token.reveal(), shares.new_token().reveal()
        assert await answer_with(door.endpoint, wrong, door.share) == b""
        assert await answer_with(door.endpoint, token, "share-unknown") == b""
        assert door.visits == 0
        assert b'"proof"' in await answer_with(door.endpoint, token, door.share)


class ClosingDoor(RealEndpoint):
    """Its share ends while a client is being welcomed."""

    def welcome_of(self, share: str) -> tuple[str, str]:
        self.share = ""
        return super().welcome_of(share)


async def test_who_comes_in_while_the_share_ends_is_sent_away():
    async with ClosingDoor() as door:
        share, token = door.share, door.token.reveal()
        reader, writer = await connect(door.endpoint)
        challenge = handshake.read_challenge(await asyncio.wait_for(reader.readline(), 10))
        writer.write(handshake.answer(challenge, handshake.new_nonce(), token, share=share))
        await reader.readline()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        assert door.visits == 0
        shares.withdraw(share)
        door.share = share


async def test_a_client_that_only_starts_the_handshake_is_sent_away():
    async with RealEndpoint() as door:
        reader, writer = await connect(door.endpoint)
        await reader.readline()
        writer.write(b'{"cokernel": ')
        assert await asyncio.wait_for(reader.read(), 3 * handshake.DEADLINE_S) == b""
        writer.close()
        assert door.visits == 0


async def test_ten_thousand_malformed_lines_of_a_client_do_not_disturb_it():
    async with RealEndpoint() as door:
        reader, writer = await connect(door.endpoint)
        challenge = handshake.read_challenge(await reader.readline())
        answer = handshake.answer(
            challenge, handshake.new_nonce(), door.token.reveal(), share=door.share
        )
        writer.write(answer)
        await reader.readline()
        for number in range(10_000):
            writer.write(b'{"jsonrpc": "2.0", "id": %d, "method"\n' % number)
        request = {
            "jsonrpc": "2.0",
            "id": "last",
            "method": "tools/list",
            "params": {"_meta": META},
        }
        writer.write(json.dumps(request).encode() + b"\n")
        found = await asyncio.wait_for(_answer_to(reader, "last"), 60)
        assert found["result"]["tools"]
        writer.close()


async def _answer_to(reader: asyncio.StreamReader, identity: str) -> dict[str, Any]:
    while line := await reader.readline():
        answer: dict[str, Any] = json.loads(line)
        if answer.get("id") == identity:
            return answer
    raise EOFError("the connection was closed")


async def test_ten_thousand_malformed_connections_do_not_disturb_a_client():
    async with RealEndpoint() as door, FrontClient() as client:
        for number in range(10_000):
            if number % 1000 == 0:
                assert "result" in await client.ask("tools/list")
            _, writer = await connect(door.endpoint)
            writer.write(b'{"cokernel": %d\n' % number)
            writer.close()
        assert "result" in await client.ask("tools/list")


async def test_the_socket_lies_in_a_folder_of_ours_alone():
    async with RealEndpoint() as door:
        folder = os.stat(os.path.dirname(door.endpoint.address))
        assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, os.geteuid())


@needs_root
@pytest.mark.parametrize("long_name", [False, True])
async def test_another_user_cannot_connect(monkeypatch: pytest.MonkeyPatch, long_name: bool):
    with public_folder() as home:
        state = home / ("x" * 120 if long_name else "state")
        monkeypatch.setenv("COKERNEL_STATE_DIR", str(state))
        async with RealEndpoint() as door:
            path = door.endpoint.address
            assert path.startswith(str(home)) != long_name
            outcome = await asyncio.to_thread(
                run_as_nobody,
                f"""
                try:
                    socket.socket(socket.AF_UNIX).connect({path!r})
                    print("connected")
                except PermissionError:
                    print("denied")
                """,
            )
            assert outcome.strip() == "denied"
            assert door.visits == 0


@needs_root
async def test_another_user_who_finds_the_tcp_port_learns_nothing():
    async with RealEndpoint(tcp=True) as door:
        host, port = door.endpoint.host_and_port()
        outcome = await asyncio.to_thread(
            run_as_nobody,
            f"""
            connection = socket.socket()
            connection.settimeout(20)
            connection.connect(({host!r}, {port}))
            first = connection.makefile("rb").readline()
            connection.sendall(b'{{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}}\\n')
            print(first.decode().strip())
            try:
                print(connection.recv(1000))
            except ConnectionResetError:
                print(b"")
            """,
        )
        first, rest = outcome.splitlines()
        assert set(json.loads(first)["cokernel"]) == {"version", "nonce"}
        assert rest == "b''"
        assert door.visits == 0
