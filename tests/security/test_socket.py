"""What reaches a bridge's socket without the token gets nothing, and harms nobody who has it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest

from cokernel import handshake, shares
from tests.support.front_client import FrontClient
from tests.support.other_user import needs_root, public_folder, run_as_nobody
from tests.support.scripted_bridge import ScriptedBridge

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
    async with ScriptedBridge(tcp=tcp) as bridge:
        assert await said_to(bridge.endpoint, data) == b""
        assert bridge.requests == []


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
    async with ScriptedBridge() as bridge:
        token = bridge.token.reveal()
        assert b'"proof"' in await answer_with(bridge.endpoint, token, bridge.share)
        bridge.requests.clear()
        wrong = shares.new_token().reveal()
        assert await answer_with(bridge.endpoint, wrong, bridge.share) == b""
        assert await answer_with(bridge.endpoint, token, "share-unknown") == b""
        assert bridge.requests == []


async def test_ten_thousand_malformed_connections_do_not_disturb_a_client():
    async with ScriptedBridge() as bridge, FrontClient() as client:
        for number in range(10_000):
            if number % 1000 == 0:
                assert bridge.share in await client.run()
            _, writer = await connect(bridge.endpoint)
            writer.write(b'{"cokernel": %d\n' % number)
            writer.close()
        assert bridge.share in await client.run()


async def test_the_socket_lies_in_a_folder_of_ours_alone():
    async with ScriptedBridge() as bridge:
        folder = os.stat(os.path.dirname(bridge.endpoint.address))
        assert (stat.S_IMODE(folder.st_mode), folder.st_uid) == (0o700, os.geteuid())


@needs_root
@pytest.mark.parametrize("long_name", [False, True])
async def test_another_user_cannot_connect(monkeypatch: pytest.MonkeyPatch, long_name: bool):
    with public_folder() as home:
        state = home / ("x" * 120 if long_name else "state")
        monkeypatch.setenv("COKERNEL_STATE_DIR", str(state))
        async with ScriptedBridge() as bridge:
            path = bridge.endpoint.address
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
            assert bridge.clients == []


@needs_root
async def test_another_user_who_finds_the_tcp_port_learns_nothing():
    async with ScriptedBridge(tcp=True) as bridge:
        host, port = bridge.endpoint.host_and_port()
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
        assert bridge.requests == []
