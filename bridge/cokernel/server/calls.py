"""What a tool's handler gets: who calls, in which bridge, and how to report progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from cokernel.session.agents import Agent
from cokernel.session.bridge import Bridge

ReportProgress = Callable[[float, str], Awaitable[None]]
"""`(seconds so far, message)`; does nothing if the client did not ask for progress."""


class OtherKernel(NamedTuple):
    """A kernel that this bridge does not serve."""

    kernel_id: str
    """A share id, or the path of a connection file."""
    title: str
    place: str
    shared: bool
    """Whether its owner shares it: then `use_kernel` goes through the owner's bridge, under the owner's mode."""
    mode: str = ""
    connection_file: str = ""


class Call(NamedTuple):
    """One tools/call."""

    bridge: Bridge
    agent: Agent
    report_progress: ReportProgress
    switch: Callable[[str], None] | None
    """Tells the front to connect to another share after this answer; None if no front is there to do it."""
    others: Callable[[], list[OtherKernel]]
    """Kernels that other programs of this user share or run, as far as they can be seen now."""
    in_background: Callable[[], bool] = lambda: False
    """Whether the request is answered already, by a task: then nobody's patience is at stake."""
