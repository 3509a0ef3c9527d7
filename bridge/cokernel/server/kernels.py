"""The tools about kernels: which there are, changing to another, ending one. Text in, text out."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator

from cokernel.errors import BadRequest, Denied, Unknown, Unsupported
from cokernel.server.calls import Call, OtherKernel
from cokernel.session.activity import Kind
from cokernel.session.bridge import UNSEEN
from cokernel.session.calls import RecordedCall
from cokernel.session.guests import identity_in
from cokernel.session.policy import Mode
from cokernel.session.session import Session

NEW_NAMES = ("new", "private")
NOT_STARTED = "No kernel was started."


def table(call: Call, others: list[OtherKernel]) -> str:
    """Every kernel that this agent could work in, and the one it works in now."""
    sessions = call.bridge.sessions
    lines = [_own_line(call, session) for session in sessions]
    lines += [_shared_line(other) for other in others if other.shared]
    running = [_running_line(other) for other in others if not other.shared]
    if not lines:
        lines = ["No kernel yet: execute_code starts a private one."]
    if running:
        lines += ["Other Jupyter kernels running here (not shared):", *running]
    lines.append("use_kernel(id) changes to another; use_kernel('new') starts a private one.")
    return "\n".join(lines)


@contextlib.contextmanager
def seen_at_place(
    call: Call, tool: str, argument: str, kind: Kind
) -> Iterator[RecordedCall | None]:
    """Within it, the person sees the call in the kernel that the agent works in; None if it has no kernel."""
    place = call.bridge.place_of(call.agent)
    if place is None:
        yield None
        return
    with place.calls.begin(call.agent.client, tool, argument, kind) as seen:
        yield seen


async def permit_start(call: Call, seen: RecordedCall | None) -> None:
    """Return once the agent may start a kernel: that runs programs, so the mode of where it works decides.

    Raises
    ------
    Denied
        the mode or the person said no.
    """
    if seen is not None:
        await seen.permit(NOT_STARTED)
    elif call.bridge.mode is not Mode.FREE:
        raise Denied(NOT_STARTED, "Choose a kernel with list_kernels and use_kernel first.")


async def use(call: Call, name: str, seen: RecordedCall | None = None) -> str:
    """Change the agent's kernel; what to tell it. `seen` is the record of the call."""
    session = call.bridge.find(name)
    if session is not None and await call.bridge.shared_meanwhile(session) is not None:
        session = None  # it is entered through its share now, which is found like any other
    if session is None and name in NEW_NAMES:
        if not call.bridge.has_private:
            await permit_start(call, seen)
        session = await call.bridge.private_session()
    if session is not None:
        return _chosen(call, session)
    if name.startswith(("http://", "https://")):
        raise Unsupported(
            "Kernels on a Jupyter Server are not supported yet.",
            "Name a connection file on this machine.",
        )
    others = await asyncio.to_thread(call.others)
    other = _find_other(others, name)
    if other is not None and other.shared:
        return _switched(call, other)
    path = os.path.abspath(os.path.expanduser(name)) if other is None else other.connection_file
    if not os.path.isfile(path):
        raise Unknown(f"There is no kernel called {name!r}.", "list_kernels shows all.")
    title = os.path.basename(path) if other is None else other.title
    return await _use_file(call, others, path, title)


async def _use_file(call: Call, others: list[OtherKernel], path: str, title: str) -> str:
    """Enter a kernel by its connection file; one that is shared through its share, so that the owner's mode holds."""
    wanted = await asyncio.to_thread(identity_in, path)
    for session in call.bridge.sessions if wanted else ():
        same = identity_in(session.link.connection_file) == wanted
        if same and await call.bridge.shared_meanwhile(session) is None:
            return _chosen(call, session)
    for other in others if wanted else ():
        if other.shared and identity_in(other.connection_file) == wanted:
            return _switched(call, other)
    return _chosen(call, await call.bridge.enter(path, title))


async def stop(call: Call, name: str, *, restart: bool) -> str:
    """Restart or end a kernel of ours, leave one of somebody else's; what to tell the agent."""
    session = call.bridge.find(name)
    if session is None:
        raise Unknown(f"This bridge serves no kernel called {name!r}.", "list_kernels shows all.")
    argument = f"{name}, restart" if restart else name
    with session.calls.begin(call.agent.client, "stop_kernel", argument, Kind.CONTROL):
        return await _restart(call, session) if restart else await _end_or_leave(call, session)


async def _restart(call: Call, session: Session) -> str:
    await call.bridge.restart(session)
    call.agent.place = None  # it knows
    return f"{session.label} was restarted; its variables are gone."


async def _end_or_leave(call: Call, session: Session) -> str:
    if call.bridge.is_owned(session):
        await call.bridge.end_kernel(session)
        return f"{session.label} has ended."
    if session.kernel_id != (call.agent.kernel_id or call.agent.home):
        return f"{session.label} goes on running; you do not work in it."
    call.agent.left = f"This client left {session.title}."
    return f"Left {session.label}; it goes on running. Choose another with use_kernel."


def _chosen(call: Call, session: Session) -> str:
    call.agent.choose(session.kernel_id)
    unseen = call.bridge.is_guest_in(session) and session.mode is Mode.FREE
    return f"Working in {session.label} from now on. {UNSEEN if unseen else ''}".rstrip()


def _switched(call: Call, other: OtherKernel) -> str:
    if call.switch is None:
        raise Denied(
            f"{other.title} is shared by {other.place}; this connection cannot change to it.",
            "Connect through the command `cokernel` (stdio), which can.",
        )
    call.switch(other.kernel_id)
    return f"Working in {other.title} · {other.place} from now on."


def _find_other(others: list[OtherKernel], name: str) -> OtherKernel | None:
    wanted = os.path.abspath(os.path.expanduser(name)) if os.sep in name else name
    found = [
        other
        for other in others
        if wanted
        in (
            other.kernel_id,
            other.title,
            f"{other.title} · {other.place}",
            other.connection_file,
        )
    ]
    if len({other.kernel_id for other in found}) > 1:
        ids = ", ".join(other.kernel_id for other in found)
        raise BadRequest(f"Several kernels are called {name!r}.", f"Use an id: {ids}.")
    return found[0] if found else None


def _own_line(call: Call, session: Session) -> str:
    here = session.kernel_id == (call.agent.kernel_id or call.agent.home) and not call.agent.left
    busy = " · busy with the person's cell" if session.user_busy_since is not None else ""
    kind = "started here" if session.owned else f"shared, {session.mode.value}"
    kind = "not shared" if call.bridge.is_guest_in(session) else kind
    mark = "→" if here else " "
    return (
        f"{mark} {session.kernel_id}  {session.label}  ({kind}; {session.link.state.value}{busy})"
    )


def _shared_line(other: OtherKernel) -> str:
    return f"  {other.kernel_id}  {other.title} · {other.place}  (shared, {other.mode})"


def _running_line(other: OtherKernel) -> str:
    return f"  {other.kernel_id}  {other.title}"
