"""Kernels that a bridge starts: private, without the client's secrets, and gone with the bridge."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from cokernel.errors import Denied, LinkDown, StartFailed, Unknown
from cokernel.kernel.environments import KernelCommand, find_command, python_command
from cokernel.kernel.owned import OwnedKernel
from cokernel.session.activity import State
from cokernel.session.bridge import Bridge
from cokernel.session.policy import Mode
from cokernel.session.session import Session
from tests.support.kernels import KERNELS, interpreter
from tests.support.other_user import needs_root, public_folder, run_as_nobody
from tests.support.sessions import PATIENCE_S, Agents, Watcher

pytestmark = pytest.mark.live


@pytest.fixture
async def bridge() -> AsyncIterator[Bridge]:
    watched = Bridge(place="", observer=Watcher(), mode=Mode.FREE)
    yield watched
    await watched.close("The test ended.")


def agents_in(session: Session, bridge: Bridge) -> Agents:
    watcher = bridge._observer
    assert isinstance(watcher, Watcher)
    return Agents(bridge, session, watcher)


async def gone(pid: int, timeout_s: float = 15.0) -> bool:
    """Whether a process ends in time; a zombie has ended."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.to_thread(process.wait, timeout_s)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    return True


@pytest.mark.parametrize("name", KERNELS)
async def test_a_started_kernel_runs_restarts_and_ends(bridge: Bridge, name: str):
    session = await bridge.start_kernel(title="mine", environment=str(interpreter(name)))
    agents = agents_in(session, bridge)
    pid = int(await agents.value("__import__('os').getpid()"))
    await agents.run("x = 1")
    running = agents.begin("import time\nwhile True: time.sleep(0.01)")
    await agents.began(running)
    await bridge.restart(session)
    assert running.state in (State.RESTARTED, State.LOST)
    assert await agents.value("'x' in globals()") == "False"
    assert int(await agents.value("__import__('os').getpid()")) != pid
    second = int(await agents.value("__import__('os').getpid()"))
    folder = Path(session.link.connection_file or "").parent
    await bridge.end_kernel(session)
    assert await gone(pid)
    assert await gone(second)
    assert not folder.exists()
    with pytest.raises(LinkDown, match="mine was ended"):
        agents.begin("x = 1")


async def test_the_clients_secrets_stay_out_of_the_kernel(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
):
    secrets = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "COKERNEL_TOKEN", "MCP_SECRET")
    for name in secrets:
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("A_SETTING_OF_THE_USER", "kept")
    agents = agents_in(await bridge.start_kernel(), bridge)
    assert await agents.value("__import__('os').environ['A_SETTING_OF_THE_USER']") == "'kept'"
    assert await agents.value("'s3cr3t' in str(dict(__import__('os').environ))") == "False"


async def test_what_a_kernels_code_started_ends_with_it(bridge: Bridge):
    session = await bridge.start_kernel()
    agents = agents_in(session, bridge)
    await agents.run("import subprocess; child = subprocess.Popen(['sleep', '600'])")
    child = int(await agents.value("child.pid"))
    await bridge.end_kernel(session)
    assert await gone(child)


async def test_an_unused_kernel_ends_after_its_time():
    watcher = Watcher()
    bridge = Bridge(place="", observer=watcher, mode=Mode.FREE, idle_expiry_s=1.2)
    try:
        agent = bridge.agent_connected(None)
        session = await bridge.session_for(agent)
        agents = Agents(bridge, session, watcher)
        pid = session.link.info.pid
        assert pid is not None
        busy = agents.begin("import time; time.sleep(2.5)")
        await agents.ended(busy, PATIENCE_S)
        assert busy.state is State.OK, "it expired while it was at work"
        assert await gone(pid)
        with pytest.raises(LinkDown, match="was not used for"):
            await bridge.session_for(agent)
    finally:
        await bridge.close("The test ended.")


async def test_a_crashed_kernel_is_restarted_or_left_for_a_new_one(bridge: Bridge):
    agent = bridge.agent_connected(None)
    session = await bridge.session_for(agent)
    agents = agents_in(session, bridge)
    crashing = agents.begin("import os; os._exit(1)")
    assert (await agents.ended(crashing)).state is State.LOST
    with pytest.raises(LinkDown, match=r"stop_kernel\('k1', restart=true\)"):
        agents.begin("x = 1")
    assert await bridge.private_session() is not session
    await bridge.restart(session)
    assert await agents.value("1 + 1") == "2"


async def test_a_kernel_that_crashes_at_its_start_tells_its_last_words(bridge: Bridge):
    crash = "import sys; sys.exit('no module named numpty')"
    command = KernelCommand("broken", (sys.executable, "-c", crash, "{connection_file}"))
    with pytest.raises(StartFailed, match="no module named numpty"):
        await asyncio.wait_for(bridge._owned.start(command, "", None), 20)


async def test_a_command_that_is_not_there_is_a_clear_error(bridge: Bridge, tmp_path: Path):
    command = KernelCommand("missing", (str(tmp_path / "python"), "{connection_file}"))
    with pytest.raises(StartFailed, match="No such file"):
        await bridge._owned.start(command, "", None)


async def test_a_restart_that_fails_leaves_nobody_waiting(bridge: Bridge, tmp_path: Path):
    session = await bridge.start_kernel()
    kernel = bridge._owned._owned[session.kernel_id].kernel
    gone_interpreter = (str(tmp_path / "python"), *kernel.command.argv[1:])
    kernel.command = dataclasses.replace(kernel.command, argv=gone_interpreter)
    with pytest.raises(StartFailed, match="No such file"):
        await bridge.restart(session)
    assert "wait for a restart" not in {task.get_name() for task in asyncio.all_tasks()}


def test_an_interpreter_without_ipykernel_is_a_clear_error(tmp_path: Path):
    bare = tmp_path / "bare" / "bin"
    bare.mkdir(parents=True)
    python = bare / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    with pytest.raises(StartFailed, match=r"has no ipykernel\. Install it there"):
        find_command(str(tmp_path / "bare"))


@pytest.mark.parametrize(
    "name",
    [
        "/nowhere/at/all",
        "no-such-kernelspec",
        "~nobody-here/x",
        pytest.param("a" * 4096, id="long"),
        pytest.param("/" + "a" * 4000, id="long path"),
        "a\0b",
        "/" * 9,
    ],
)
def test_an_environment_that_does_not_exist_is_a_clear_error(name: str):
    with pytest.raises(Unknown):
        find_command(name)


async def test_only_owned_kernels_are_restarted_or_ended(bridge: Bridge, tmp_path: Path):
    kernel = OwnedKernel(python_command())
    kernel.start()
    try:
        session = await bridge.attach(
            kernel.connection, connection_file=None, title="Console 1/A", kernel_id="share"
        )
        with pytest.raises(Denied, match="only its owner"):
            await bridge.restart(session)
        with pytest.raises(Denied, match="only its owner"):
            await bridge.end_kernel(session)
        assert await agents_in(session, bridge).value("1 + 1") == "2"
    finally:
        await kernel.end()


async def test_files_and_sockets_are_private(bridge: Bridge):
    session = await bridge.start_kernel()
    folder = Path(session.link.connection_file or "").parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Path(session.link.connection_file or "").stat().st_mode & 0o777 == 0o600
    connection = json.loads(Path(session.link.connection_file or "").read_text())
    if os.name == "posix":
        assert connection["transport"] == "ipc"
        assert Path(connection["ip"]).parent == folder


@pytest.mark.skipif(os.name == "nt", reason="there are no Unix sockets")
async def test_a_long_temporary_folder_leaves_the_sockets_short(
    bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(long_folder(tmp_path)))
    session = await bridge.start_kernel()
    path = Path(session.link.connection_file or "")
    assert json.loads(path.read_text())["transport"] == "ipc"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert await agents_in(session, bridge).value("6 * 7") == "42"
    await bridge.end_kernel(session)
    assert not path.parent.exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no Unix sockets")
async def test_where_no_folder_is_short_enough_the_kernel_takes_encrypted_tcp(
    bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(long_folder(tmp_path)))
    taken = tmp_path / "taken"
    taken.write_text("by a file")
    monkeypatch.setattr("cokernel.kernel.owned.short_folder", lambda: str(taken))
    session = await bridge.start_kernel()
    connection = json.loads(Path(session.link.connection_file or "").read_text())
    assert connection["transport"] == "tcp"
    assert connection["curve_secretkey"]
    assert await agents_in(session, bridge).value("6 * 7") == "42"


def long_folder(tmp_path: Path) -> Path:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    return folder


async def test_a_kernel_that_cannot_be_connected_to_is_ended(bridge: Bridge):
    kernel = OwnedKernel(python_command())
    kernel.start()
    kernel.connection = {**kernel.connection, "key": ""}
    with pytest.raises(StartFailed, match="no key"):
        await bridge._owned.connect(kernel, "mine")
    assert await gone(kernel.pid)
    assert not Path(kernel.connection_file).exists()


@needs_root
async def test_another_user_can_neither_read_nor_connect(monkeypatch: pytest.MonkeyPatch):
    with public_folder() as folder:
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        bridge = Bridge(place="", observer=Watcher(), mode=Mode.FREE)
        try:
            session = await bridge.start_kernel()
            path = Path(session.link.connection_file or "")
            assert path.parent.parent == folder
            shell = f"{json.loads(path.read_text())['ip']}-1"
            assert os.path.exists(shell)
            printed = await asyncio.to_thread(
                run_as_nobody,
                f"""
                for attempt in (
                    lambda: open({str(path)!r}).read(),
                    lambda: os.listdir({str(path.parent)!r}),
                    lambda: socket.socket(socket.AF_UNIX).connect({shell!r}),
                ):
                    try:
                        attempt()
                        print("came in")
                    except PermissionError:
                        print("refused")
                """,
            )
            assert printed.split("\n")[:3] == ["refused"] * 3
        finally:
            await bridge.close("The test ended.")


SERVE = (sys.executable, "-m", "cokernel", "serve", "--stdio")


class Alone:
    """`cokernel serve --stdio` as a process, with a run at work in its kernel."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def call(self, number: int, tool: str, **arguments: object) -> str:
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        }
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        await self.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        assert self.process.stdout is not None
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
            assert line, "the bridge ended"
            message = json.loads(line)
            if message.get("id") == number:
                return str(message["result"]["content"][0]["text"])

    async def send(self, message: dict[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        await self.process.stdin.drain()


@pytest.mark.parametrize("end", ["EOF", "SIGINT", "SIGTERM", "SIGKILL"])
async def test_no_kernel_outlives_its_bridge(end: str, tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        *SERVE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COKERNEL_STATE_DIR": str(tmp_path / "state"), "TMPDIR": str(tmp_path)},
    )
    alone = Alone(process)
    try:
        text = await alone.call(1, "execute_code", code="import os; print('pid', os.getpid())")
        pid = int(text.split("pid ")[1].split()[0])
        await alone.call(2, "execute_code", code="while True: pass", background=True)
        assert psutil.pid_exists(pid)
        assert process.stdin is not None
        if end == "EOF":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, end))
        await asyncio.wait_for(process.wait(), 15)
        assert await gone(pid)
        left = [path.name for path in tmp_path.glob("cokernel-*")]
        assert left == [] or end == "SIGKILL"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # asyncio keeps its pipes until it is collected
