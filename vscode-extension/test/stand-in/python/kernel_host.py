"""One ipykernel behind JSON lines on stdin and stdout, for the stand-in of the Jupyter extension.

Requests: `{"op": "execute", "id", "code", "store"}`, `interrupt`, `restart`, `shutdown`. Messages: `ready` (a kernel is
there), `status`, `output` and `done` of a request, `died`.

With an argument, the file `jpserver-….json` of a Jupyter Server on this machine, the kernel is that server's: started,
restarted and ended over its REST API. Messages go through the kernel's ports; the real extension takes the server's
WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.paths import jupyter_runtime_dir

READY_TIMEOUT_S = 60
LOOK_EVERY_S = 0.3
"""How often it is looked whether the process still lives."""


@dataclass
class Request:
    """Code that runs. It is over when both its reply and its `idle` have come, in whichever order."""

    id: int
    reply: dict[str, Any] | None = None
    is_idle: bool = False


def runtime_folder() -> str:
    """Where the Jupyter extension puts connection files, which is not where jupyter_core looks on a Linux desktop."""
    if "JUPYTER_RUNTIME_DIR" in os.environ:
        return os.environ["JUPYTER_RUNTIME_DIR"]
    desktop = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.join(desktop, "jupyter", "runtime") if desktop else jupyter_runtime_dir()


def send(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Kernel:
    """One kernel process, from its start to its end."""

    def __init__(self) -> None:
        folder = runtime_folder()
        os.makedirs(folder, exist_ok=True)
        self._file = os.path.join(folder, f"kernel-v3{secrets.token_hex(20)}.json")
        self._manager = AsyncKernelManager(kernel_name="python3", connection_file=self._file)
        self._requests: dict[str, Request] = {}
        """By message id."""
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._client = await self._launched()
        self._client.start_channels()
        await self._client.wait_for_ready(timeout=READY_TIMEOUT_S)
        for work in (self._read_iopub(), self._read_shell(), self._watch()):
            self._tasks.append(asyncio.create_task(work))
        send(event="ready")

    async def restarted(self) -> Kernel:
        """End it and start another: a new process, and a new connection file."""
        await self.end()
        kernel = Kernel()
        await kernel.start()
        return kernel

    async def _launched(self) -> AsyncKernelClient:
        await self._manager.start_kernel()
        return self._manager.client()

    def execute(self, request: dict[str, Any]) -> None:
        store = request["store"]
        message = self._client.execute(
            request["code"], store_history=store, allow_stdin=False, stop_on_error=False
        )
        self._requests[message] = Request(request["id"])

    async def interrupt(self) -> None:
        await self._manager.interrupt_kernel()

    async def end(self) -> None:
        await self._let_go()
        await self._manager.shutdown_kernel(now=True)
        self._remove_file()

    async def _let_go(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._client.stop_channels()
        for request in self._requests.values():
            send(event="done", id=request.id, status="aborted", execution_count=None)

    async def _watch(self) -> None:
        while await self._manager.is_alive():
            await asyncio.sleep(LOOK_EVERY_S)
        self._remove_file()
        send(event="died")

    async def _read_iopub(self) -> None:
        while True:
            message = await self._client.iopub_channel.get_msg()
            parent = message["parent_header"].get("msg_id")
            request = self._requests.get(parent)
            self._tell(message["msg_type"], message["content"], request)
            if request and message["content"].get("execution_state") == "idle":
                request.is_idle = True
                self._finish(parent, request)

    async def _read_shell(self) -> None:
        while True:
            message = await self._client.shell_channel.get_msg()
            parent = message["parent_header"].get("msg_id")
            request = self._requests.get(parent)
            if request:
                request.reply = message["content"]
                self._finish(parent, request)

    def _tell(self, kind: str, content: dict[str, Any], request: Request | None) -> None:
        if kind == "status":
            send(event="status", status=content["execution_state"])
        elif request is None:
            return
        elif kind == "stream":
            send(event="output", id=request.id, kind=content["name"], text=content["text"])
        elif kind in ("execute_result", "display_data"):
            send(event="output", id=request.id, kind="data", data=content["data"])
        elif kind == "error":
            send(event="output", id=request.id, kind="error", **content)

    def _finish(self, message: str, request: Request) -> None:
        if request.reply is None or not request.is_idle:
            return
        del self._requests[message]
        status, count = request.reply["status"], request.reply.get("execution_count")
        send(event="done", id=request.id, status=status, execution_count=count)

    def _remove_file(self) -> None:
        if os.path.exists(self._file):
            os.unlink(self._file)


class ServerKernel(Kernel):
    """A kernel of a Jupyter Server. A restart keeps its id and its connection file; the process is a new one."""

    def __init__(self, server_file: str, kernel_id: str = "") -> None:
        self._server_file = Path(server_file)
        self._id = kernel_id
        self._requests = {}
        self._tasks = []

    async def _launched(self) -> AsyncKernelClient:
        if not self._id:
            self._id = (await self._ask("POST", "/api/kernels"))["id"]
        client = AsyncKernelClient()
        client.load_connection_file(str(self._server_file.parent / f"kernel-{self._id}.json"))
        return client

    async def interrupt(self) -> None:
        await self._ask("POST", f"/api/kernels/{self._id}/interrupt")

    async def restarted(self) -> Kernel:
        await self._let_go()
        await self._ask("POST", f"/api/kernels/{self._id}/restart")
        kernel = ServerKernel(str(self._server_file), self._id)
        await kernel.start()
        return kernel

    async def end(self) -> None:
        await self._let_go()
        await self._ask("DELETE", f"/api/kernels/{self._id}")

    async def _watch(self) -> None:
        """The server tells of a death by its WebSocket, which we have not; the scenes kill none of its kernels."""

    async def _ask(self, method: str, path: str) -> Any:
        server = json.loads(self._server_file.read_text())
        request = urllib.request.Request(
            server["url"].rstrip("/") + path,
            method=method,
            data=b"{}" if method == "POST" else None,
            headers={"Authorization": f"token {server['token']}"},
        )

        def answer() -> Any:
            with urllib.request.urlopen(request, timeout=READY_TIMEOUT_S) as response:
                return json.loads(response.read() or "null")

        return await asyncio.to_thread(answer)


async def read_requests() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def main() -> None:
    requests = await read_requests()
    kernel = ServerKernel(sys.argv[1]) if len(sys.argv) > 1 else Kernel()
    await kernel.start()
    while line := await requests.readline():
        request = json.loads(line)
        if request["op"] == "shutdown":
            break
        if request["op"] == "execute":
            kernel.execute(request)
        elif request["op"] == "interrupt":
            await kernel.interrupt()
        else:
            kernel = await kernel.restarted()
    await kernel.end()


if __name__ == "__main__":
    asyncio.run(main())
