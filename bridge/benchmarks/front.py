"""What the front costs: its start, its memory, and what it adds to a call.

    python bridge/benchmarks/front.py [calls]

The bridge here is a thread of this program that answers at once, so that every number is the front's own. Beside each
stands the same without a front: a client that connects to the bridge's socket by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import psutil

from cokernel import handshake, shares

STARTS = 20
LONG_LINE = 13_000_000
MS = 1000.0


class EchoBridge:
    """Shakes hands, then answers each request with a text of the size that its params name."""

    def __init__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path := shares.new_socket_path())
        self._listener.listen()
        self.record = shares.describe(
            shares.new_share_id("bench"),
            ide="benchmark",
            title="nothing",
            mode="free",
            endpoint=shares.Endpoint("unix", path),
            token=shares.new_token(),
            connection_file="",
        )
        shares.publish(self.record)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        challenge, token = handshake.new_nonce(), self.record.token.reveal()
        connection.sendall(handshake.challenge_line(challenge))
        lines = connection.makefile("rb")
        reply = handshake.read_answer(lines.readline())
        connection.sendall(handshake.welcome_line(reply, challenge, token, title="", ide=""))
        with contextlib.suppress(ConnectionError):
            for line in lines:
                request = json.loads(line)
                text = "x" * request["params"]["size"]
                answer = {"jsonrpc": "2.0", "id": request["id"], "result": {"text": text}}
                connection.sendall(json.dumps(answer).encode() + b"\n")


class Wire(NamedTuple):
    """Both directions of a connection, blocking."""

    send: Callable[[bytes], object]
    lines: BinaryIO

    def ask(self, number: int, size: int) -> bytes:
        request = {"method": "bench", "params": {"size": size}, "jsonrpc": "2.0", "id": number}
        self.send(json.dumps(request).encode() + b"\n")
        return self.lines.readline()


@contextlib.contextmanager
def through_front() -> Iterator[tuple[Wire, int]]:
    """A wire through a front of its own, and the front's pid."""
    front = subprocess.Popen(
        [sys.executable, "-m", "cokernel"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert front.stdin is not None
    assert front.stdout is not None
    stdin = front.stdin

    def send(data: bytes) -> None:
        stdin.write(data)
        stdin.flush()

    try:
        yield Wire(send, front.stdout), front.pid  # type: ignore[arg-type]  # a buffered reader
    finally:
        stdin.close()
        front.wait(10)
        front.stdout.close()


@contextlib.contextmanager
def directly(record: shares.ShareRecord) -> Iterator[Wire]:
    """A wire to the bridge's socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(record.endpoint.address)
        lines = connection.makefile("rb")
        challenge, nonce = handshake.read_challenge(lines.readline()), handshake.new_nonce()
        token = record.token.reveal()
        connection.sendall(handshake.answer(challenge, nonce, token, share=record.share))
        handshake.read_welcome(lines.readline(), challenge, nonce, token)
        yield Wire(connection.sendall, lines)


def call_times(wire: Wire, calls: int, size: int) -> list[float]:
    times = []
    for number in range(calls):
        start = time.perf_counter()
        wire.ask(number, size)
        times.append((time.perf_counter() - start) * MS)
    return times


def start_times(record: shares.ShareRecord) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds to the first answer through a front and directly, and for a Python that does nothing."""
    fronts, direct, nothing = [], [], []
    for number in range(STARTS):
        start = time.perf_counter()
        with through_front() as (wire, _):
            wire.ask(number, 1)
            fronts.append((time.perf_counter() - start) * MS)
        start = time.perf_counter()
        with directly(record) as wire:
            wire.ask(number, 1)
            direct.append((time.perf_counter() - start) * MS)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        nothing.append((time.perf_counter() - start) * MS)
    return fronts, direct, nothing


def row(what: str, front: list[float], direct: list[float], unit: str) -> None:
    one, other = statistics.median(front), statistics.median(direct)
    print(f"{what:32}{one:12.2f}{other:12.2f}{one - other:12.2f}  {unit}")


def main(calls: int) -> None:
    record = EchoBridge().record
    print(f"{'median':32}{'front':>12}{'direct':>12}{'added':>12}")
    fronts, direct, nothing = start_times(record)
    row("start to first answer", fronts, direct, "ms")
    row("  of which Python itself", nothing, [0.0], "ms")
    with through_front() as (front, pid), directly(record) as wire:
        process = psutil.Process(pid)
        front.ask(0, 1)
        before = process.memory_info().rss
        row(
            f"call, {calls} times",
            call_times(front, calls, 100),
            call_times(wire, calls, 100),
            "ms",
        )
        row("answer of 100 kB", call_times(front, 50, 100_000), call_times(wire, 50, 100_000), "ms")
        row(
            "answer of 13 MB", call_times(front, 5, LONG_LINE), call_times(wire, 5, LONG_LINE), "ms"
        )
        after = process.memory_info().rss
    print(f"{'resident memory, first answer':32}{before / 2**20:12.2f}{'':24}  MB")
    print(f"{'resident memory, after all':32}{after / 2**20:12.2f}{'':24}  MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COKERNEL_STATE_DIR"] = folder
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
