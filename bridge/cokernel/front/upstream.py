"""One connection to one bridge: what goes there, what is still unanswered, and the thread that reads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from cokernel import handshake
from cokernel.errors import StartFailed, Untrusted
from cokernel.front.lines import Line, LineSplitter
from cokernel.front.messages import Message
from cokernel.shares import ShareRecord

CHUNK = 65536
WRITE_DEADLINE_S = 30.0
"""A bridge that takes nothing for so long is as good as dead."""
LAST_WORDS_S = 1.0
"""For reading what a bridge said before it went; it lies in the socket already."""


class Transport(Protocol):
    """A stream of bytes to a bridge and back."""

    def read(self) -> bytes:
        """What came next; empty at the end, also after `close`."""

    def write(self, data: Line) -> None:
        """Raises OSError if the bridge does not take it all; it has then not seen the end of `data`."""

    def close(self, *, hurried: bool) -> None:
        """End it. `hurried`: whoever started us is about to kill us."""


class Pending(NamedTuple):
    """A request that the bridge has not answered."""

    request: Message
    settles: bool = False
    """If it succeeds, the agent has chosen this bridge."""


class Upstream:
    """A connection to a bridge. The relay that owns it guards its collections with its own lock."""

    def __init__(self, transport: Transport, name: str, record: ShareRecord | None) -> None:
        self.name = name
        """`Console 1/A · Spyder`, or `the private kernel`."""
        self.record = record
        """None for the stand-alone bridge that is our child."""
        self.pending: dict[str, Pending] = {}
        self.asked: set[str] = set()
        """Ids of requests of the bridge that the client has not answered."""
        self.replays: dict[str, threading.Event] = {}
        """Ids of requests of our own; set once they are answered."""
        self.acknowledgements: set[str] = set()
        """Subscriptions that the bridge will acknowledge and whose client knows that already."""
        self.ending: handshake.Lost | None = None
        """Why the share ended, once the bridge has said so."""
        self.switch_to: str | None = None
        """The share that the answer of the next `use_kernel` leads to."""
        self.settled = False
        """Code may have run there, or the agent chose it: never left without being told to."""
        self.retired = False
        """Another one is in use; this one only finishes what it has begun."""
        self.ended = False
        """Nothing comes from it any more."""
        self._transport = transport
        self._write_lock = threading.Lock()
        self._read_all = threading.Event()

    @property
    def private(self) -> bool:
        """It is the stand-alone bridge with a kernel of its own."""
        return self.record is None

    def start_reading(
        self, on_line: Callable[[Upstream, Line], None], on_end: Callable[[Upstream], None]
    ) -> None:
        """Call `on_line` for each line and `on_end` once, in a thread of this connection's own."""
        threading.Thread(target=self._read, args=(on_line, on_end), daemon=True).start()

    def _read(
        self, on_line: Callable[[Upstream, Line], None], on_end: Callable[[Upstream], None]
    ) -> None:
        splitter = LineSplitter()
        try:
            while chunk := self._transport.read():
                self._hand_on(splitter.feed(chunk), on_line)
        finally:
            self._read_all.set()
            on_end(self)

    def _hand_on(self, lines: list[Line | None], on_line: Callable[[Upstream, Line], None]) -> None:
        """A function of its own, so that a long line is let go before the next wait."""
        for line in lines:
            if line is not None:
                on_line(self, line)

    def send(self, line: Line) -> None:
        """Raises OSError: the bridge has not seen the end of the line, so it has not acted on it."""
        with self._write_lock:
            self._transport.write(line)

    def hear_out(self) -> None:
        """After a `send` that failed: wait until what the bridge said before it went is read, its reason too."""
        self._read_all.wait(LAST_WORDS_S)

    def close(self, *, hurried: bool = False) -> None:
        """End the connection, and the child if it is one; idempotent."""
        self._transport.close(hurried=hurried)


class SocketTransport:
    """A local socket, after the handshake."""

    def __init__(self, connection: socket.socket, first: bytes) -> None:
        connection.settimeout(WRITE_DEADLINE_S)
        self._socket = connection
        self._first = first
        """What came together with the last line of the handshake."""

    def read(self) -> bytes:
        if self._first:
            chunk, self._first = self._first, b""
            return chunk
        while True:
            try:
                return self._socket.recv(CHUNK)
            except TimeoutError:
                continue  # silence is no fault; the deadline is for writing
            except OSError:
                return b""

    def write(self, data: Line) -> None:
        self._socket.sendall(data)

    def close(self, *, hurried: bool) -> None:  # noqa: ARG002  # a socket closes at once either way
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the reading thread
        except OSError:
            return  # closed already
        finally:
            self._socket.close()


def connect(record: ShareRecord, cwd: str) -> Upstream:
    """Connect to the bridge of a share and shake hands.

    Raises
    ------
    StartFailed
        nobody listens there, or there was no answer in time.
    Untrusted
        who listens there is not that bridge.
    """
    deadline = time.monotonic() + handshake.DEADLINE_S
    try:
        connection = _dial(record)
    except OSError as error:
        raise StartFailed(f"The bridge of {record.name} does not listen ({error}).") from error
    try:
        welcome, rest = _shake_hands(connection, record, cwd, deadline)
    except (OSError, Untrusted) as error:
        connection.close()
        if isinstance(error, Untrusted):
            raise
        raise StartFailed(f"The bridge of {record.name} does not answer.") from error
    name = f"{welcome.title} · {welcome.ide}" if welcome.ide else welcome.title
    return Upstream(SocketTransport(connection, rest), name, record)


def _dial(record: ShareRecord) -> socket.socket:
    # Not socket.create_connection: it loads the tables of international names, 1 MB.
    tcp = record.endpoint.kind == "tcp"
    if not tcp and not hasattr(socket, "AF_UNIX"):
        raise OSError("this Python has no Unix sockets")
    connection = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(handshake.DEADLINE_S)
    try:
        if tcp:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(record.endpoint.host_and_port() if tcp else record.endpoint.address)
    except OSError:
        connection.close()
        raise
    return connection


def _shake_hands(
    connection: socket.socket, record: ShareRecord, cwd: str, deadline: float
) -> tuple[handshake.Welcome, bytes]:
    token, nonce = record.token.reveal(), handshake.new_nonce()
    line, rest = _read_line(connection, b"", deadline)
    challenge = handshake.read_challenge(line)
    connection.sendall(handshake.answer(challenge, nonce, token, share=record.share, cwd=cwd))
    line, rest = _read_line(connection, rest, deadline)
    return handshake.read_welcome(line, challenge, nonce, token), rest


def _read_line(connection: socket.socket, begun: bytes, deadline: float) -> tuple[bytes, bytes]:
    """The next line of the handshake, and what came after it."""
    while b"\n" not in begun:
        if len(begun) > handshake.LINE_LIMIT:
            raise Untrusted("What listens there sends something else than a handshake.")
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(handshake.LINE_LIMIT)
        if not chunk:
            raise ConnectionResetError("closed during the handshake")
        begun += chunk
    line, _, rest = begun.partition(b"\n")
    return line, rest
