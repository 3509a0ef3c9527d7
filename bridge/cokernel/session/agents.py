"""The agents that are connected to a bridge."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from cokernel.session.execution import Client


@dataclass
class Agent:
    """One connected client. Owned by the bridge; the server keeps its choice and its cursors here."""

    client_id: str
    home: str | None
    """Kernel id of the share it came through; None for a stand-alone bridge."""
    name: str = "agent"
    version: str = ""
    since: float = field(default_factory=time.time)
    runs: int = 0
    kernel_id: str | None = None
    """What it chose with use_kernel; None follows `home`."""
    left: str = ""
    """Why it has no kernel until it chooses one; empty if it has."""
    seen: dict[int, int] = field(default_factory=dict)
    """Execution → how far it has read the output."""
    activity_cursor: int = 0

    @property
    def client(self) -> Client:
        return Client(self.client_id, self.name)
