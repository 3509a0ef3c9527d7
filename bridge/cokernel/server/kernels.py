"""The tools about kernels: which there are, changing to another, ending one. Text in, text out."""

from __future__ import annotations

import os

from cokernel.errors import BadRequest, Denied, Unknown, Unsupported
from cokernel.kernel.discovery import read_connection_file
from cokernel.server.calls import Call, OtherKernel
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
    if session is None and name in NEW_NAMES:
        session = await call.bridge.private_session()
    if session is not None:
        return _chosen(call, session)
    if name.startswith(("http://", "https://")):
        raise Unsupported(
            "Kernels on a Jupyter Server are not supported yet.",
            "Name a connection file on this machine.",
        )
    other = _find_other(call, name)
    if other is not None and other.shared:
        return _switched(call, other)
    path = other.kernel_id if other is not None else name
    if not os.path.isfile(path):
        raise Unknown(f"There is no kernel called {name!r}.", "list_kernels shows all.")
    title = other.title if other is not None else os.path.basename(path)
    session = await call.bridge.attach(
        read_connection_file(path), connection_file=os.path.abspath(path), title=title
    )
    return _chosen(call, session)


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
    call.agent.left = f"This client left {session.title}."
    return f"Left {session.label}; it goes on running. Choose another with use_kernel."


def _chosen(call: Call, session: Session) -> str:
    call.agent.choose(session.kernel_id)
    return f"Working in {session.label} from now on."


def _switched(call: Call, other: OtherKernel) -> str:
    if call.switch is None:
        raise Denied(
            f"{other.title} is shared by {other.place}; this connection cannot change to it.",
            "Connect through the command `cokernel` (stdio), which can.",
        )
    call.switch(other.kernel_id)
    return f"Working in {other.title} · {other.place} from now on."


def _find_other(call: Call, name: str) -> OtherKernel | None:
    wanted = os.path.abspath(os.path.expanduser(name)) if os.sep in name else name
    found = [
        other
        for other in call.others()
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
    mark = "→" if here else " "
    return (
        f"{mark} {session.kernel_id}  {session.label}  ({kind}; {session.link.state.value}{busy})"
    )


def _shared_line(other: OtherKernel) -> str:
    return f"  {other.kernel_id}  {other.title} · {other.place}  (shared, {other.mode})"


def _running_line(other: OtherKernel) -> str:
    return f"  {other.kernel_id}  {other.title}"
