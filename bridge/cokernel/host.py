"""The small facade that IDEs import: one bridge in a worker thread, events by callback, no Qt.

    host = BridgeHost(ide="Spyder", on_event=post_to_gui)
    host.start()                                    # returns at once; heavy imports happen in the thread
    share = host.share(connection_file, title="Console 1/A", mode=Mode.ASK).result(10)
    host.set_mode(share.share_id, Mode.FREE)
    host.unshare(share.share_id)
    host.stop()

Every method may be called from any thread and returns at once; those with an outcome return a
`concurrent.futures.Future`, which raises a `CokernelError` where the outcome is one. `on_event` is called in the
bridge's thread: hand the event to your own loop and return.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from cokernel.errors import CokernelError
from cokernel.kernel.outputs import DisplayOutput, ErrorOutput, Output, StreamOutput
from cokernel.session.activity import Activity, Change, ErrorSummary, Kind, Origin, State
from cokernel.session.policy import Answer, Mode

__all__ = [
    "Activity",
    "ActivityChanged",
    "Answer",
    "BridgeFailed",
    "BridgeHost",
    "BridgeStarted",
    "Change",
    "ClientInfo",
    "ClientsChanged",
    "CokernelError",
    "DisplayOutput",
    "ErrorOutput",
    "ErrorSummary",
    "Event",
    "Kind",
    "Mode",
    "Origin",
    "Output",
    "OutputsChanged",
    "ShareChanged",
    "ShareInfo",
    "ShareState",
    "State",
    "StreamOutput",
    "Variable",
]


class ShareState(enum.Enum):
    """How a shared kernel is. The values go over the wire."""

    CONNECTING = "connecting"
    UP = "up"
    RESTARTING = "restarting"
    SILENT = "silent"
    DEAD = "dead"
    CLOSED = "closed"
    """Not shared any more. Final for this `share_id` until it is shared again."""


@dataclass(frozen=True, slots=True)
class ShareInfo:
    """One share as it is now."""

    share_id: str
    title: str
    """`Console 1/A`, `analysis.ipynb`."""
    state: ShareState
    mode: Mode
    paused: bool
    """While paused no new run begins; looks work."""
    detail: str
    """A sentence for people about `state`; may be empty."""
    connection_file: str
    kernel_pid: int | None


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """One agent that is connected to a share."""

    client_id: str
    name: str
    """The client's own name from the protocol: `Claude Code`; `agent` until it said one."""
    version: str
    share_id: str
    since: float
    """Seconds since the epoch."""
    runs: int


@dataclass(frozen=True, slots=True)
class Variable:
    """One name of the user's namespace, as `list_variables` shows it."""

    name: str
    type: str
    shape: str
    """`1000×4`, `len 12`; empty if it has none."""
    size_bytes: int | None
    preview: str
    changed_by_agent: float | None
    """When an agent's run last changed it (seconds since the epoch); None if never."""


@dataclass(frozen=True, slots=True)
class BridgeStarted:
    """The bridge serves clients."""


@dataclass(frozen=True, slots=True)
class BridgeFailed:
    """The bridge as a whole cannot go on; every share has ended."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ShareChanged:
    share: ShareInfo


@dataclass(frozen=True, slots=True)
class ClientsChanged:
    clients: tuple[ClientInfo, ...]
    """All that are connected now."""


@dataclass(frozen=True, slots=True)
class ActivityChanged:
    share_id: str
    activity: Activity


@dataclass(frozen=True, slots=True)
class OutputsChanged:
    """There is more to show of a call; ask with `outputs`. At most ten times a second for one call."""

    share_id: str
    number: int


Event = (
    BridgeStarted | BridgeFailed | ShareChanged | ClientsChanged | ActivityChanged | OutputsChanged
)


class BridgeHost:
    """One bridge, its shares and its clients, for a program with a loop of its own."""

    def __init__(
        self,
        *,
        ide: str,
        on_event: Callable[[Event], None],
        workspaces: Sequence[str] = (),
    ) -> None:
        """`ide` is the name people know (`Spyder`); `workspaces` are folders whose agents should find these shares."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the worker thread. `BridgeStarted` or `BridgeFailed` follows."""
        raise NotImplementedError

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End every share, interrupt agents' runs, end the thread; whether that was done in time. Idempotent.

        `timeout_s=0` asks for it and returns at once: right for a GUI thread.
        """
        raise NotImplementedError

    def share(
        self,
        connection_file: str,
        *,
        title: str,
        mode: Mode = Mode.ASK,
        share_id: str | None = None,
        kernel_pid: int | None = None,
    ) -> Future[ShareInfo]:
        """Share the kernel of a connection file. `share_id` takes up an earlier share again, so that its clients follow.

        Raises
        ------
        Untrusted
            the connection file or who answers on its ports must not be believed.
        NoAnswer
            no kernel answered.
        """
        raise NotImplementedError

    def retarget(
        self, share_id: str, connection_file: str, *, title: str, kernel_pid: int | None = None
    ) -> Future[ShareInfo]:
        """Point a share at another kernel (the active console changed, or a restart made a new connection file).

        Runs of agents in the old kernel go on and keep their outcome; new calls go to the new one, and say so.
        """
        raise NotImplementedError

    def rename(self, share_id: str, title: str) -> Future[ShareInfo]:
        raise NotImplementedError

    def restarted(self, share_id: str, reason: str = "") -> None:
        """The owner knows that the kernel was restarted or died: end what was pending at once, do not wait to notice."""
        raise NotImplementedError

    def unshare(self, share_id: str, reason: str = "") -> Future[None]:
        """End a share: the record goes first, then clients, agents' runs (interrupted), and our helper in the kernel.

        `reason` is what clients are told: `Console 1/A was closed.`
        """
        raise NotImplementedError

    def set_mode(self, share_id: str, mode: Mode) -> Future[ShareInfo]:
        raise NotImplementedError

    def pause(self, share_id: str, paused: bool) -> Future[ShareInfo]:
        raise NotImplementedError

    def answer(self, approval: str, answer: Answer) -> Future[None]:
        """Answer `Activity.approval`."""
        raise NotImplementedError

    def interrupt(self, share_id: str, number: int | None = None) -> Future[int]:
        """Stop one agent's run, or all of them; how many were stopped. The user's cells are never touched."""
        raise NotImplementedError

    def outputs(self, share_id: str, number: int) -> Future[tuple[Output, ...]]:
        """What a call has put out so far, bounded for display; clear_output and updates applied."""
        raise NotImplementedError

    def variables(self, share_id: str) -> Future[tuple[Variable, ...]]:
        """The user's namespace, also while the kernel is busy."""
        raise NotImplementedError

    def activities(self, share_id: str) -> Future[tuple[Activity, ...]]:
        """All entries that are kept, oldest first."""
        raise NotImplementedError
