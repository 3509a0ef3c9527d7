"""A small MCP client: it starts `cokernel` on stdio as any agent's client does, and calls its tools one at a time.

So what scripts run goes the way of every agent: through the share, under its mode, seen by the person.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cokernel import __version__
from cokernel.errors import CokernelError, LinkDown

PROTOCOL_VERSION = "2025-11-25"
END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered."""

    text: str
    news: str
    """What the bridge has to tell besides; empty if nothing."""
    is_error: bool
    state: str
    """Of the run that it tells of (`ok`, `error`, `running`, …); empty for other tools."""
    execution: int | None


class Agent:
    """One connection. Owned by the thread that opened it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._to, self._from = process.stdin, process.stdout
        self._calls = 0

    def call(self, tool: str, arguments: Mapping[str, object]) -> ToolResult:
        """Call a tool and wait for its answer.

        Raises
        ------
        LinkDown
            the front ended without an answer.
        CokernelError
            the call itself was refused; the message says why.
        KeyboardInterrupt
            Ctrl-C; the call has been cancelled, which interrupts its run.
        """
        number = self._ask("tools/call", {"name": tool, "arguments": dict(arguments)})
        try:
            answer = self._answer_to(number)
        except KeyboardInterrupt:
            self._tell("notifications/cancelled", {"requestId": number, "reason": "Ctrl-C"})
            raise
        meta = answer.get("_meta") or {}
        texts = [part["text"] for part in answer["content"] if part["type"] == "text"]
        return ToolResult(
            text=texts[0] if texts else "",
            news="\n".join(texts[1:]),
            is_error=bool(answer.get("isError")),
            state=str(meta.get("cokernel/state", "")),
            execution=meta.get("cokernel/execution"),
        )

    def introduce(self, name: str) -> None:
        """Say who we are; `name` is what people see."""
        info = {"name": name, "version": __version__}
        params = {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": info}
        self._answer_to(self._ask("initialize", params))
        self._tell("notifications/initialized", {})

    def _ask(self, method: str, params: Mapping[str, object]) -> int:
        self._calls += 1
        self._write({"id": self._calls, "method": method, "params": params})
        return self._calls

    def _tell(self, method: str, params: Mapping[str, object]) -> None:
        self._write({"method": method, "params": params})

    def _write(self, message: Mapping[str, object]) -> None:
        try:
            self._to.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            self._to.flush()
        except OSError as error:
            raise _gone() from error

    def _answer_to(self, number: int) -> dict[str, Any]:
        for line in self._from:
            message = json.loads(line)
            if message.get("id") != number or "method" in message:
                continue  # a notification, or a request that we do not answer
            if "error" in message:
                raise CokernelError(str(message["error"].get("message", "The call was refused.")))
            result: dict[str, Any] = message["result"]
            return result
        raise _gone()


@contextlib.contextmanager
def connected(name: str, environment: Mapping[str, str]) -> Iterator[Agent]:
    """An agent of this name. It works where `environment` says: `COKERNEL_SHARE`, `COKERNEL_CONNECTION`, the folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cokernel"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environment),
        # Ctrl-C is ours to handle: it interrupts the run, and only then the connection ends.
        start_new_session=True,
    )
    try:
        agent = Agent(process)
        agent.introduce(name)
        yield agent
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def _gone() -> LinkDown:
    return LinkDown("cokernel ended before it answered.", "`cokernel doctor` may say why.")
