"""The tools about kernels: which there are, changing to another, ending one. Text in, text out."""

from __future__ import annotations

import asyncio
import os

from cokernel.errors import BadRequest, Denied, Unknown, Unsupported
from cokernel.server.calls import Call, OtherKernel
from cokernel.session.bridge import UNSEEN
from cokernel.session.guests import identity_in
from cokernel.session.policy import Mode
from cokernel.session.session import Session

NEW_NAMES = ("new", "private")


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


async def use(call: Call, name: str) -> str:
    """Change the agent's kernel; what to tell it."""
    session = call.bridge.find(name)
    if session is not None and await call.bridge.shared_meanwhile(session) is not None:
        session = None  # it is entered through its share now, which is found like any other
    if session is None and name in NEW_NAMES:
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
    if restart:
        await call.bridge.restart(session)
        call.agent.place = None  # it knows
        return f"{session.label} was restarted; its variables are gone."
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
