"""What a bridge tells the program that hosts it: frozen, and the same in every face."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from cokernel.kernel.namespace import VariableEntry
from cokernel.session.activity import Activity
from cokernel.session.agents import Agent
from cokernel.session.policy import Mode


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
    kernel_session: str = field(default="", repr=False)
    """The Jupyter session id of agents' messages in this kernel, so that a console knows them. Never log it."""


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


def client_info(agent: Agent) -> ClientInfo:
    """What the host is told of an agent."""
    return ClientInfo(
        client_id=agent.client_id,
        name=agent.name,
        version=agent.version,
        share_id=agent.home or "",
        since=agent.since,
        runs=agent.runs,
    )


def variable(found: VariableEntry) -> Variable:
    """What the host is told of a name."""
    return Variable(
        name=found.name,
        type=found.type,
        shape=found.shape,
        size_bytes=found.size_bytes,
        preview=found.preview,
        changed_by_agent=found.changed_by_agent,
    )
