"""One ipykernel behind JSON lines on stdin and stdout, for the stand-in of the Jupyter extension.

Requests: `{"op": "execute", "id", "code", "store"}`, `interrupt`, `restart`, `shutdown`. Messages: `ready` (a kernel is
there), `status`, `output` and `done` of a request, `died`.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import sys
import threading
from dataclasses import dataclass
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_core.paths import jupyter_runtime_dir

READY_TIMEOUT_S = 60


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


class KernelHost:
    """Owns the kernel process of the moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, Request] = {}
        """By message id."""
        self._start()

    def execute(self, request: dict[str, Any]) -> None:
        with self._lock:
            message = self._client.execute(
                request["code"],
                store_history=request["store"],
                allow_stdin=False,
                stop_on_error=False,
            )
            self._requests[message] = Request(request["id"])

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def restart(self) -> None:
        self._end()
        self._start()

    def shutdown(self) -> None:
        self._end()

    def _start(self) -> None:
        folder = runtime_folder()
        os.makedirs(folder, exist_ok=True)
        file = os.path.join(folder, f"kernel-v3{secrets.token_hex(20)}.json")
        self._manager = KernelManager(kernel_name="python3", connection_file=file)
        self._manager.start_kernel()
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=READY_TIMEOUT_S)
        for read in (self._read_iopub, self._read_shell):
            threading.Thread(target=read, args=(self._client,), daemon=True).start()
        send(event="ready", pid=self._manager.provisioner.pid)

    def _end(self) -> None:
        client, self._client = self._client, None
        client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_connection_file()
        with self._lock:
            lost, self._requests = list(self._requests.values()), {}
        for request in lost:
            send(event="done", id=request.id, status="aborted", execution_count=None)

    def _read_iopub(self, client: Any) -> None:
        while client is self._client:
            try:
                message = client.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                if client is self._client and not self._manager.is_alive():
                    send(event="died")
                    self._manager.cleanup_connection_file()
                    return
                continue
            parent = message["parent_header"].get("msg_id")
            with self._lock:
                request = self._requests.get(parent)
            self._tell(message["msg_type"], message["content"], request and request.id)
            if request and message["content"].get("execution_state") == "idle":
                request.is_idle = True
                self._finish(parent, request)

    def _tell(self, kind: str, content: dict[str, Any], request: int | None) -> None:
        if kind == "status":
            send(event="status", status=content["execution_state"])
        elif request is None:
            return
        elif kind == "stream":
            send(event="output", id=request, kind=content["name"], text=content["text"])
        elif kind in ("execute_result", "display_data"):
            send(event="output", id=request, kind="data", data=content["data"])
        elif kind == "error":
            send(event="output", id=request, kind="error", **content)

    def _read_shell(self, client: Any) -> None:
        while client is self._client:
            try:
                message = client.get_shell_msg(timeout=0.5)
            except queue.Empty:
                continue
            parent = message["parent_header"].get("msg_id")
            with self._lock:
                request = self._requests.get(parent)
            if request:
                request.reply = message["content"]
                self._finish(parent, request)

    def _finish(self, message: str, request: Request) -> None:
        with self._lock:
            reply = request.reply
            if reply is None or not request.is_idle or message not in self._requests:
                return
            del self._requests[message]
        count = reply.get("execution_count")
        send(event="done", id=request.id, status=reply["status"], execution_count=count)


_output = threading.Lock()


def send(**message: Any) -> None:
    with _output:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def main() -> None:
    host = KernelHost()
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "execute":
            host.execute(request)
        elif request["op"] == "shutdown":
            break
        else:
            getattr(host, request["op"])()
    host.shutdown()


if __name__ == "__main__":
    main()
