"""A client that costs next to nothing: JSON lines on a child's stdin and stdout, one call at a time.

What it measures is the server. An SDK's client would add the same time to both sides of each comparison, and so make
every ratio look better than it is.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Any

PROTOCOL = "2025-11-25"


class StdioClient:
    """`with StdioClient(command) as client:` the server runs; `start` says hello to it."""

    def __init__(
        self,
        command: Sequence[str],
        env: dict[str, str] | None = None,
        *,
        cwd: str | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._next_id = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> StdioClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def start(self) -> None:
        """The handshake of the protocol."""
        self.ask(
            "initialize",
            {
                "protocolVersion": PROTOCOL,
                "capabilities": {},
                "clientInfo": {"name": "benchmark", "version": "1"},
            },
        )
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's result.

        Raises
        ------
        RuntimeError
            the tool failed.
        """
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        text = "".join(block.get("text", "") for block in result.get("content", ()))
        if result.get("isError"):
            raise RuntimeError(f"{tool}: {text[:300]}")
        return text

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._next_id += 1
        self._write({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if not line.startswith(b"{"):
                continue  # some peers print
            message = json.loads(line)
            if message.get("id") == self._next_id and "method" not in message:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message'][:300]}")
                result = message["result"]
                assert isinstance(result, dict)
                return result
        raise RuntimeError(f"{method}: the server ended")

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
