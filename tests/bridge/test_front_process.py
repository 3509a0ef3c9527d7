"""The front as a process: how it ends, what it leaves, what it costs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cokernel import handshake, shares
from tests.support.front_client import FrontClient, text_of
from tests.support.records import make_record
from tests.support.scripted_bridge import ScriptedBridge

SCRIPTED_BRIDGE = Path(__file__).parents[1] / "support" / "scripted_bridge.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("COKERNEL_STATE_DIR", str(folder))
    return folder


LAUNCHER_CODE = f"""
import sys
from cokernel.front import early
from cokernel.front.process import run
early.COMMAND = (sys.executable, {str(SCRIPTED_BRIDGE)!r})
"""


def child_of(client: FrontClient) -> psutil.Process:
    (child,) = psutil.Process(client.process.pid).children()
    return child


async def gone(process: psutil.Process) -> None:
    await asyncio.to_thread(process.wait, 10)


class TestEarlyStart:
    """A stand-alone bridge is started before the front knows whether it is wanted."""

    async def test_with_nothing_shared_one_bridge_is_started_not_two(self):
        async with FrontClient() as client:
            await client.run()
            assert child_of(client).is_running()

    async def test_a_share_that_appeared_meanwhile_is_taken_and_the_early_bridge_ended(self):
        always_early = LAUNCHER_CODE + "sys.exit(run(early.spawn()))"
        command = (sys.executable, "-c", always_early)
        async with ScriptedBridge() as shared, FrontClient(command=command) as client:
            assert shared.share in await client.run()
            for child in psutil.Process(client.process.pid).children():
                await gone(child)

    async def test_with_a_record_there_no_process_is_started_in_advance(self):
        never_early = LAUNCHER_CODE + "sys.exit(early.spawn_if_nothing_is_shared() is not None)"
        async with ScriptedBridge():
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", never_early)
            assert await process.wait() == 0


class TestEnd:
    async def test_the_clients_end_ends_the_front_and_its_child(self):
        async with FrontClient() as client:
            await client.run()
            child = child_of(client)
        assert client.process.returncode == 0
        await gone(child)

    async def test_the_clients_end_during_a_call_ends_it_too(self):
        async with ScriptedBridge() as bridge, FrontClient() as client:
            await client.begin_call("execute_code", code="block")
            await bridge.seen("tools/call")
        assert client.process.returncode == 0

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_a_signal_ends_the_front_and_its_child(self, number: signal.Signals):
        async with FrontClient() as client:
            await client.run()
            child = child_of(client)
            client.process.send_signal(number)
            assert await asyncio.wait_for(client.process.wait(), 10) == 0
            await gone(child)

    async def test_claude_codes_two_signals_end_it_cleanly(self):
        async with FrontClient() as client:
            await client.run()
            child = child_of(client)
            client.process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.1)  # as Claude Code does
            if client.process.returncode is None:
                client.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(client.process.wait(), 10) == 0
            await gone(child)

    async def test_a_killed_front_takes_its_child_along(self):
        async with FrontClient() as client:
            await client.run()
            child = child_of(client)
            client.process.kill()
            await client.process.wait()
            await gone(child)

    async def test_a_child_that_ignores_everything_is_killed(self):
        async with FrontClient(COKERNEL_SCRIPT="ignore-eof") as client:
            await client.run()
            child = child_of(client)
        assert client.process.returncode == 0
        await gone(child)

    async def test_a_child_killed_from_outside_ends_a_call_at_once(self):
        async with FrontClient() as client:
            await client.run()
            call = await client.begin_call("execute_code", code="block")
            child_of(client).kill()
            assert "may have partly run" in text_of(await asyncio.wait_for(call, 5))

    async def test_a_client_that_does_not_read_any_more_is_no_reason_to_hang(self):
        async with ScriptedBridge() as bridge:
            front = await _front_with_closed_stdout()
            front.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n')
            await bridge.seen("tools/list")
            front.stdin.close()
            assert await asyncio.wait_for(front.wait(), 10) == 0


async def _front_with_closed_stdout() -> asyncio.subprocess.Process:
    from tests.support.front_client import LAUNCHER

    readable, writable = os.pipe()
    os.close(readable)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, LAUNCHER), stdin=asyncio.subprocess.PIPE, stdout=writable
        )
    finally:
        os.close(writable)


class TestDeadlines:
    async def test_a_listener_that_says_nothing_is_given_up(self):
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        path = shares.new_socket_path()
        async with await asyncio.start_unix_server(silent, path):
            shares.publish(make_record(endpoint=shares.Endpoint("unix", path)))
            async with FrontClient() as client:
                assert "does not answer" in await client.run()

    async def test_an_impostor_gets_no_line_of_the_client(self):
        heard: list[bytes] = []

        async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            challenge = handshake.new_nonce()
            writer.write(handshake.challenge_line(challenge))
            reply = handshake.read_answer(await reader.readline())
            guess = shares.new_token().reveal()
            writer.write(handshake.welcome_line(reply, challenge, guess, title="t", ide="i"))
            heard.append(await reader.read())
            writer.close()

        path = shares.new_socket_path()
        async with await asyncio.start_unix_server(impostor, path):
            shares.publish(make_record(endpoint=shares.Endpoint("unix", path)))
            async with FrontClient() as client:
                assert "does not know the token" in await client.run("secret = 1")
        assert set(heard) == {b""}


class TestCost:
    async def test_traffic_leaves_no_memory_behind(self):
        async with ScriptedBridge(), FrontClient() as client:
            await client.run("bytes 1000000")
            before = psutil.Process(client.process.pid).memory_info().rss
            for _ in range(300):
                await client.run("1")
            for _ in range(20):
                await client.run("bytes 5000000")
            growth = psutil.Process(client.process.pid).memory_info().rss - before
            assert growth < 2_000_000

    async def test_a_front_on_a_share_is_small(self):
        command = (sys.executable, "-m", "cokernel")
        async with ScriptedBridge(), FrontClient(command=command) as client:
            await client.run()
            assert psutil.Process(client.process.pid).memory_info().rss < 15 * 2**20

    def test_the_heavy_parts_of_the_standard_library_stay_out(self):
        code = "import cokernel.front.process, sys; print(*sys.modules)"
        loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
        heavy = {"asyncio", "logging", "hashlib", "_hashlib", "dataclasses", "inspect", "ssl"}
        assert heavy.isdisjoint(loaded)
        assert "subprocess" not in loaded
        assert not [name for name in loaded if name.startswith(("mcp", "zmq", "cokernel.kernel"))]


async def test_the_log_names_no_token_and_no_code(tmp_path: Path):
    async with ScriptedBridge() as bridge:
        log = tmp_path / "log"
        with log.open("wb") as stderr:
            async with FrontClient(stderr=stderr.fileno(), COKERNEL_LOG="debug") as client:
                await client.run("secret_name = 1")
                await client.send(b"secret_name")
                await client.next_unasked()
                await bridge.lose("Closed.", "")
                await client.run("secret_name = 2")
        text = log.read_text()
        assert "connected to Console 1/A" in text
        assert "secret_name" not in text
        assert bridge.token.reveal() not in text
