"""`cokernel child`: a `BridgeHost` for an IDE that is not written in Python, over JSON lines.

Commands come on stdin, answers and events go to stdout (docs/protocol.md, "Child protocol"). End of input ends the
bridge and every share. This is a thin face: it decodes, calls the host, encodes.

Threads: the caller's reads stdin; one writes stdout, fed by a queue, so that an IDE that reads slowly never holds up
the bridge; the host calls `on_event` in its own.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from cokernel import __version__
from cokernel.child.commands import COMMANDS, Arguments, Call
from cokernel.child.encode import Wire, encode_event
from cokernel.child.writer import LineWriter
from cokernel.errors import BadRequest, CokernelError, ShareLost, Unsupported
from cokernel.host import BridgeHost, Event

log = logging.getLogger(__name__)

PROTOCOL_VERSION = 1
_STOP_TIMEOUT_S = 5.0


class MakeHost(Protocol):
    """How a `Child` comes by its host; `BridgeHost` itself outside of tests."""

    def __call__(
        self, *, ide: str, on_event: Callable[[Event], None], workspaces: Sequence[str]
    ) -> BridgeHost: ...


class Child:
    """Carries out the commands of one IDE. Owns the host, from `hello` to the end."""

    def __init__(self, send: Callable[[Wire], None], make_host: MakeHost = BridgeHost) -> None:
        """`send` takes one line for the IDE; it may be called from any thread and must not block."""
        self._send = send
        self._make_host = make_host
        self._host: BridgeHost | None = None

    def run(self, lines: Iterable[bytes]) -> None:
        """Carry out commands until `stop` or the end of input; then every share has ended."""
        try:
            for line in lines:
                if line.strip() and not self._take(line):
                    return
        finally:
            self._stop_host()

    def _take(self, line: bytes) -> bool:
        """One command; False if it was the last."""
        number: object = None
        try:
            command = _decode(line)
            number = command["id"]
            if command["do"] == "stop":
                self._stop_host()
                self._send({"id": number, "ok": {}})
                return False
            self._carry_out(number, str(command["do"]), Arguments(command))
        except CokernelError as error:
            self._send(_failure(number, error))
        return True

    def _carry_out(self, number: object, do: str, arguments: Arguments) -> None:
        if do == "hello":
            host = self._make(arguments)
            self._send({"id": number, "ok": _welcome()})
            # Only now, so that the answer comes before the first event.
            host.start()
            return
        command = COMMANDS.get(do)
        if command is None:
            raise BadRequest(f"There is no command `{do}`.")
        if self._host is None:
            raise BadRequest("The first command must be `hello`.")
        call = command(self._host, arguments)
        call.future.add_done_callback(lambda _: self._send(_answer(number, call)))

    def _make(self, arguments: Arguments) -> BridgeHost:
        if self._host is not None:
            raise BadRequest("`hello` was said before.")
        version = arguments.integer("version")
        if version != PROTOCOL_VERSION:
            raise Unsupported(
                f"This cokernel ({__version__}) speaks version {PROTOCOL_VERSION} of the child protocol,"
                f" the IDE speaks {version}.",
                "Update the older of the two.",
            )
        self._host = self._make_host(
            ide=arguments.text("ide"),
            on_event=lambda event: self._send(encode_event(event)),
            workspaces=arguments.texts("workspaces"),
        )
        return self._host

    def _stop_host(self) -> None:
        host, self._host = self._host, None
        if host is not None and not host.stop(_STOP_TIMEOUT_S):
            log.warning("the bridge did not end within %.0f s", _STOP_TIMEOUT_S)


def _welcome() -> Wire:
    return {
        "version": PROTOCOL_VERSION,
        "pid": os.getpid(),
        "cokernel": __version__,
        "front": front_command(),
    }


def front_command() -> list[str]:
    """What an MCP client starts to reach the shares of this user."""
    script = Path(sysconfig.get_path("scripts"), "cokernel.exe" if os.name == "nt" else "cokernel")
    return [str(script)] if script.exists() else [sys.executable, "-m", "cokernel"]


def _decode(line: bytes) -> Mapping[str, object]:
    try:
        command = json.loads(line)
    except ValueError:
        raise BadRequest("A command must be one line of JSON.") from None
    if not isinstance(command, dict) or type(command.get("id")) is not int:
        raise BadRequest("A command must be an object with a whole number as `id`.")
    if not isinstance(command.get("do"), str):
        raise BadRequest("A command must name what to `do`.")
    return command


def _answer(number: object, call: Call[Any]) -> Wire:
    try:
        return {"id": number, "ok": call.result()}
    except CokernelError as error:
        return _failure(number, error)
    except CancelledError:
        return _failure(number, ShareLost("The bridge ended before it could answer."))
    except Exception as error:  # the outermost handler of a command: the IDE must get an answer
        log.exception("a command failed")
        return _failure(number, CokernelError(f"{type(error).__name__}: {error}"))


def _failure(number: object, error: CokernelError) -> Wire:
    return {"id": number, "error": {"code": error.code, "message": str(error)}}


def main() -> int:
    """`cokernel child`."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    writer = LineWriter(_take_stdout())
    child = Child(writer.send)
    try:
        child.run(iter(sys.stdin.buffer.readline, b""))
    except KeyboardInterrupt:
        log.info("interrupted")
    writer.close(_STOP_TIMEOUT_S)
    return 0


def _take_stdout() -> BinaryIO:
    """Stdout for the protocol alone: whatever else prints goes to stderr."""
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stream
