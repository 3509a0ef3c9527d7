"""What an agent may do: modes, capabilities, and the one decision function.

Pure: no clock, no kernel, no client. `Session` keeps the grants and asks; people answer through the host.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Mode(enum.Enum):
    """How much the person lets agents do. The values are stable: settings, command lines and the wire use them."""

    FREE = "free"
    """Run freely."""
    ASK = "ask"
    """Ask me: a run waits until the person allowed it, once or for this client until sharing stops."""
    LOOK = "look"
    """Look only: variables and activity, no code."""


class Capability(enum.Enum):
    """What a tool does to the kernel. Every tool has exactly one."""

    LOOK = "look"
    RUN = "run"
    CONTROL = "control"
    FILES = "files"


class Decision(enum.Enum):
    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Answer(enum.Enum):
    """What the person says to a run that waits for them."""

    ONCE = "once"
    ALWAYS = "always"
    """Allow until sharing stops: this client in this kernel."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Grants:
    """What the person has allowed so far in one kernel."""

    clients: frozenset[str] = frozenset()
    """Ids of clients that need not ask any more."""

    def allowing(self, client_id: str) -> Grants:
        return Grants(self.clients | {client_id})


def decide(mode: Mode, capability: Capability, client_id: str, grants: Grants) -> Decision:
    """May this client use a tool of this capability now?

    Looking is always allowed, and so is `CONTROL`: it reaches only what the agent itself started. Running code and
    writing files follow the mode.
    """
    if capability in (Capability.LOOK, Capability.CONTROL):
        return Decision.ALLOW
    if mode is Mode.LOOK:
        return Decision.DENY
    if mode is Mode.FREE or client_id in grants.clients:
        return Decision.ALLOW
    return Decision.ASK
