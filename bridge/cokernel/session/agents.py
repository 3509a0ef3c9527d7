"""The agents that are connected to a bridge."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from cokernel.session.execution import Client


@dataclass(frozen=True)
class Place:
    """One process of one kernel."""

    kernel: object
    """Its session."""
    pid: int | None
    title: str = field(compare=False)


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
    activity_seen: dict[str, int] = field(default_factory=dict)
    """Kernel id → cursor of its last look at what happened there."""
    place: Place | None = None
    """Where its last call went."""
    news: list[str] = field(default_factory=list)
    """What it has to be told with its next answer."""

    def choose(self, kernel_id: str) -> None:
        """It wants to work there from now on, and need not be told that it does."""
        self.kernel_id, self.left, self.place = kernel_id, "", None

    def works_in(self, place: Place) -> None:
        """Its next call goes there: if that is not where its last one went, it is told why its names may be gone."""
        before, self.place = self.place, place
        if before is None or before == place:
            return
        if place.pid is not None and before.pid == place.pid:
            return
        if before.kernel is place.kernel:
            self.news.append(
                f"{place.title} was restarted since your last call; its variables are gone."
            )
        elif before.title == place.title:
            self.news.append(
                f"{place.title} has a new kernel since your last call; its variables are gone."
            )
        else:
            self.news.append(f"You are in {place.title} now; your last call was in {before.title}.")

    def take_news(self) -> list[str]:
        news, self.news = self.news, []
        return news

    @property
    def client(self) -> Client:
        return Client(self.client_id, self.name)
