"""Real kernels for tests, and the person at their console.

`start_kernel` starts one of the interpreters that `bridge/scripts/develop.py setup` makes. `UserClient` is an
independent Jupyter client, written with `jupyter_client` and nothing of ours: what it sees is what a person sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio
from jupyter_client import write_connection_file
from jupyter_client.session import Session

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ("ipykernel6", "ipykernel7", "spyder")
"""What every promise about kernels is tested with."""
START_TIMEOUT_S = 40.0
MODULES = {"spyder": "spyder_kernels.console"}
_PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
_CHANNELS = {"shell": zmq.DEALER, "control": zmq.DEALER, "stdin": zmq.DEALER, "iopub": zmq.SUB}


def interpreter(name: str) -> Path:
    """The Python of a test kernel; skips the test if it was not set up, and fails it with CI=true."""
    if name == "running":
        return Path(sys.executable)
    folder = ROOT / ".venvs" / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        missing = f"{folder} is missing; `make setup` makes it"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return python


@dataclass(frozen=True)
class Kernel:
    """A kernel process of a test."""

    name: str
    process: subprocess.Popen[bytes]
    connection_file: Path
    log: Path
    """What it wrote to stdout and stderr."""

    @property
    def connection(self) -> dict[str, Any]:
        """The content of its connection file."""
        return dict(json.loads(self.connection_file.read_text()))

    @property
    def pid(self) -> int:
        return self.process.pid

    def logged(self) -> str:
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def start_kernel(name: str, folder: Path) -> Iterator[Kernel]:
    """A kernel in a process group of its own, ended with all its children. `name`: one of `KERNELS`, or `running`."""
    python = interpreter(name)
    folder.mkdir(parents=True, exist_ok=True)
    key = secrets.token_hex(16).encode()
    path, _ = write_connection_file(str(folder / "kernel.json"), key=key, **_free_ports())
    log = folder / "kernel.log"
    environment = {
        **os.environ,
        "IPYTHONDIR": str(folder / "ipython"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else debugpy greets everyone with a warning
    }
    environment.pop("MPLBACKEND", None)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(python), "-m", MODULES.get(name, "ipykernel_launcher"), "-f", path],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            yield Kernel(name, process, Path(path), log)
        finally:
            end_process(process)


def _free_ports() -> dict[str, int]:
    """Ports below those that the system hands out: one of its own may be taken before the kernel binds it."""
    ports: dict[str, int] = {}
    with contextlib.ExitStack() as stack:
        while len(ports) < len(_PORTS):
            probe = stack.enter_context(socket.socket())
            port = secrets.SystemRandom().randrange(12_000, 32_000)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                ports[_PORTS[len(ports)]] = port
    return ports


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test started as leader of its group, with the group."""
    if os.name == "nt":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


class KernelEndedError(AssertionError):
    """The kernel under test ended by itself."""


@dataclass
class Run:
    """One request of the person, as it goes on."""

    msg_id: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    """What iopub brought under it, in order."""
    reply: dict[str, Any] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, channel: str, message: dict[str, Any]) -> None:
        if channel == "iopub":
            self.messages.append(message)
        elif channel in ("shell", "control"):
            self.reply = dict(message["content"])
        self._news.set()

    @property
    def text(self) -> str:
        """What it printed so far."""
        return "".join(m["content"]["text"] for m in self.messages if m["msg_type"] == "stream")

    @property
    def idle(self) -> bool:
        return any(m["content"].get("execution_state") == "idle" for m in self.messages)

    def outputs(self, msg_type: str) -> list[dict[str, Any]]:
        """The contents of its messages of one type."""
        return [m["content"] for m in self.messages if m["msg_type"] == msg_type]

    async def printed(self, text: str, timeout_s: float = 30.0) -> None:
        """Wait until it has printed `text`: how tests know that a cell has come so far."""
        await self._until(lambda: text in self.text, timeout_s)

    async def done(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait for reply and idle; the reply's content."""
        await self._until(lambda: self.reply is not None and self.idle, timeout_s)
        assert self.reply is not None
        return self.reply

    async def _until(self, condition: Any, timeout_s: float) -> None:
        async def wait() -> None:
            while not condition():
                self._news.clear()
                await self._news.wait()

        try:
            await asyncio.wait_for(wait(), timeout_s)
        except asyncio.TimeoutError:
            seen = [m["msg_type"] for m in self.messages]
            raise AssertionError(
                f"waited {timeout_s:g} s in vain; reply {self.reply}, saw {seen}"
            ) from None


class UserClient:
    """The person at the console: a Jupyter client that knows nothing of cokernel."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self._session = Session(
            key=str(connection["key"]).encode(),
            signature_scheme=str(connection["signature_scheme"]),
            username="user",
        )
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RCVHWM, 0)
        self._context.setsockopt(zmq.LINGER, 0)
        self._sockets = {name: self._connect(name, connection) for name in _CHANNELS}
        self._runs: dict[str, Run] = {}
        self.iopub: list[dict[str, Any]] = []
        """Everything that every client sees."""
        self._input_requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._pumps = [asyncio.create_task(self._pump(name)) for name in _CHANNELS]

    def _connect(self, channel: str, connection: Mapping[str, Any]) -> zmq.asyncio.Socket:
        zsocket: zmq.asyncio.Socket = self._context.socket(_CHANNELS[channel])
        if channel == "iopub":
            zsocket.setsockopt(zmq.SUBSCRIBE, b"")
        else:
            zsocket.setsockopt(zmq.IDENTITY, self._session.bsession)
        port = connection[f"{channel}_port"]
        zsocket.connect(f"{connection['transport']}://{connection['ip']}:{port}")
        return zsocket

    async def _pump(self, channel: str) -> None:
        while True:
            frames = await self._sockets[channel].recv_multipart()
            _, parts = self._session.feed_identities(frames)
            message = self._session.deserialize(parts)
            if channel == "iopub":
                self.iopub.append(message)
            if channel == "stdin":
                self._input_requests.put_nowait(message)
            run = self._runs.get(message["parent_header"].get("msg_id", ""))
            if run is not None:
                run.note(channel, message)

    async def ready(self, kernel: Kernel) -> None:
        """Wait until the kernel answers on shell and publishes on iopub."""
        end = asyncio.get_running_loop().time() + START_TIMEOUT_S
        patience_s = 0.2
        while True:
            run = self.send("shell", "kernel_info_request", {})
            try:
                await run.done(timeout_s=patience_s)
                return
            except AssertionError:
                if kernel.process.poll() is not None:
                    raise KernelEndedError(kernel.logged()) from None
                if asyncio.get_running_loop().time() > end:
                    raise
                patience_s *= 1.5  # a busy machine may need longer for each answer

    def send(self, channel: str, msg_type: str, content: Mapping[str, Any]) -> Run:
        """Any request."""
        message = self._session.msg(msg_type, dict(content))
        run = self._runs[message["header"]["msg_id"]] = Run(message["header"]["msg_id"])
        parts = self._session.serialize(message)
        self._sockets[channel].send_multipart(parts)
        return run

    def begin(self, code: str, **options: Any) -> Run:
        """Execute as a console does; `options` go into the request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": True,
            **options,
        }
        return self.send("shell", "execute_request", content)

    async def run(self, code: str, **options: Any) -> Run:
        """`begin`, then wait for the end; the cell must succeed."""
        run = self.begin(code, **options)
        reply = await run.done()
        assert reply["status"] == "ok", reply
        return run

    async def value(self, expression: str) -> str:
        """The repr of an expression, asked for without leaving a trace in history or counters."""
        run = self.begin(
            "", silent=True, store_history=False, user_expressions={"value": expression}
        )
        answer = (await run.done())["user_expressions"]["value"]
        assert answer["status"] == "ok", answer
        return str(answer["data"]["text/plain"])

    async def input_requested(self, timeout_s: float = 30.0) -> dict[str, Any]:
        """Wait until the kernel asks for a line; that message."""
        return await asyncio.wait_for(self._input_requests.get(), timeout_s)

    def answer(self, request: Mapping[str, Any], value: str) -> None:
        message = self._session.msg("input_reply", {"value": value}, parent=dict(request))
        self._sockets["stdin"].send_multipart(self._session.serialize(message))

    async def close(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._context.destroy(linger=0)


@contextlib.asynccontextmanager
async def user_client(kernel: Kernel) -> AsyncIterator[UserClient]:
    """A person at `kernel`, once it is ready."""
    client = UserClient(kernel.connection)
    try:
        await client.ready(kernel)
        yield client
    finally:
        await client.close()
