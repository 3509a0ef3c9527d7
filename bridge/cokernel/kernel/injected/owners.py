"""The bridges that use this helper. The last one to leave takes it out of the kernel."""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import Any

PRUNE_SECONDS = 60.0
LEASE_SECONDS = 86_400.0
"""How long a bridge on another machine, whose process cannot be asked for, may be silent."""


class Owner:
    """One bridge."""

    __slots__ = ("pid", "place", "seen", "session")

    def __init__(self, session: str, pid: int, place: str) -> None:
        self.session = session
        """Its Jupyter session: cells of this session are its own."""
        self.pid = pid
        self.place = place
        self.seen = time.monotonic()


def here() -> str:
    """Names the machine (and container) in whose terms a process id means something."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except (OSError, AttributeError):
        namespace = ""
    return platform.node() + " " + namespace


class Owners:
    """Who is there, by owner id."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}
        self._place = here()
        self._pruned = time.monotonic()

    def __bool__(self) -> bool:
        return bool(self._owners)

    def enter(self, owner: dict[str, Any]) -> None:
        self._owners[str(owner["id"])] = Owner(
            str(owner["session"]), int(owner["pid"]), str(owner["place"])
        )

    def leave(self, owner_id: str) -> None:
        self._owners.pop(owner_id, None)
        self.prune()

    def seen(self, session: str) -> None:
        """A request of this session arrived."""
        for owner in list(self._owners.values()):
            if owner.session == session:
                owner.seen = time.monotonic()

    def own(self, session: str) -> bool:
        """Whether cells of this Jupyter session are a bridge's."""
        return any(owner.session == session for owner in list(self._owners.values()))

    def prune_sometimes(self) -> None:
        """`prune`, at most once a minute: a bridge that was killed could not leave."""
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            self.prune()

    def prune(self) -> None:
        """Forget bridges whose process is gone."""
        self._pruned = time.monotonic()
        for owner_id, owner in list(self._owners.items()):
            if not self._alive(owner):
                self._owners.pop(owner_id, None)

    def _alive(self, owner: Owner) -> bool:
        # ipykernel imports psutil itself. Without it nothing safe is known: `os.kill(pid, 0)` kills on Windows.
        psutil = sys.modules.get("psutil")
        if owner.place != self._place or psutil is None:
            return time.monotonic() - owner.seen < LEASE_SECONDS
        return bool(psutil.pid_exists(owner.pid))
