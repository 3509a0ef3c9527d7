"""The port through which everything above speaks with one kernel.

A `KernelLink` carries messages and reports the state of the connection. It knows nothing of executions, queues,
clients or policy: those belong to `cokernel.session`. `ZmqLink` reaches a kernel by its connection file; a link over a
Jupyter Server's WebSocket has the same face.

Every method is called in the event loop that `connect` ran in.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class Channel(enum.Enum):
    """The channels of the Jupyter messaging protocol that a link carries."""

    SHELL = "shell"
    CONTROL = "control"
    IOPUB = "iopub"
    STDIN = "stdin"


class LinkState(enum.Enum):
    """Whether the kernel can be reached."""

    CONNECTING = "connecting"
    UP = "up"
    RESTARTING = "restarting"
    """Its owner restarts it. All that was pending is lost; `UP` follows."""
    SILENT = "silent"
    """The process is stopped or the connection is half-open. It may come back (`UP`)."""
    DEAD = "dead"
    """The process ended. An owner may start it again on the same ports (`RESTARTING`, then `UP`)."""
    CLOSED = "closed"
    """This link was closed by us. Final."""


class KernelInfo(NamedTuple):
    """What the kernel says of itself in its signed `kernel_info_reply`."""

    language: str
    implementation: str
    implementation_version: str
    language_version: str
    protocol_version: str
    pid: int | None
    """Process id, where it is known and the process is on this machine."""

    @property
    def is_ipython(self) -> bool:
        """Whether the in-kernel helper can work there."""
        return self.language == "python" and self.implementation == "ipython"


class Message(NamedTuple):
    """One message from the kernel. `content` is the wire's dict: read it in `kernel/` and `session/` only."""

    channel: Channel
    msg_type: str
    msg_id: str
    parent_id: str
    """`msg_id` of the request that caused it; empty if none."""
    parent_type: str
    parent_session: str
    """The Jupyter session of the client that sent the request: equal to `KernelLink.session_id` if it was ours."""
    content: Mapping[str, Any]
    metadata: Mapping[str, Any]
    dropped_bytes: int = 0
    """Size of a body that was larger than the link holds; `content` is then empty."""


class LinkObserver(Protocol):
    """Who listens to a link. Called in the event loop, in the order of arrival; must not block nor raise."""

    def message_arrived(self, message: Message) -> None: ...

    def state_changed(self, state: LinkState, detail: str) -> None:
        """`detail` is a sentence for people: what happened."""
        ...


class KernelLink(Protocol):
    """A live connection to one kernel."""

    @property
    def session_id(self) -> str:
        """Our Jupyter session id: what `Message.parent_session` says for our own requests. Never log it."""
        ...

    @property
    def state(self) -> LinkState: ...

    @property
    def info(self) -> KernelInfo:
        """Known after `connect`."""
        ...

    @property
    def connection_file(self) -> str | None: ...

    async def connect(self, timeout_s: float) -> KernelInfo:
        """Prove the kernel by a signed `kernel_info` round trip on the control channel.

        Raises
        ------
        NoAnswer
            nothing answered in time.
        Untrusted
            something answered that does not hold the kernel's key.
        """
        ...

    def observe(self, observer: LinkObserver) -> None:
        """Let `observer` see every message and every change of state from now on."""
        ...

    def send(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        header: Mapping[str, Any] | None = None,
        parent: Mapping[str, Any] | None = None,
    ) -> str:
        """Send a request at once and return its `msg_id`; never blocks, never queues for a dead kernel.

        Raises
        ------
        LinkDown
            nothing was sent.
        """
        ...

    async def request(
        self,
        channel: Channel,
        msg_type: str,
        content: Mapping[str, Any],
        *,
        timeout_s: float | None,
    ) -> Message:
        """Send and await the reply on the same channel; None waits until the kernel goes away.

        Raises
        ------
        LinkDown
            nothing was sent, or the kernel went away before it answered.
        NoAnswer
            the time is over.
        """
        ...

    async def close(self) -> None:
        """Let go of the kernel. It goes on running."""
        ...
