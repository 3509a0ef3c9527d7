"""What `cokernel doctor` looks at: each check yields findings, and changes nothing but records of dead bridges."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import platform
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from cokernel import __version__, handshake, setup, shares
from cokernel.commands.console import short_path
from cokernel.errors import CokernelError, Untrusted
from cokernel.kernel.connection_files import read_connection_file
from cokernel.kernel.discovery import discover
from cokernel.kernel.zmq import ZmqLink
from cokernel.shares import ShareRecord
from cokernel.standalone import CONNECTION_VARIABLES

ANSWER_TIMEOUT_S = 3.0
_PACKAGES = ("mcp", "jupyter-client", "pyzmq", "ipykernel", "textual")
_VARIABLES = (*CONNECTION_VARIABLES, "COKERNEL_STATE_DIR", "COKERNEL_SHARE", "JUPYTER_RUNTIME_DIR")


class Level(enum.Enum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    """Works, but a person may want to know."""
    PROBLEM = "problem"
    """Something does not work, or is not safe."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: str
    level: Level
    what: str
    next_step: str = ""


def everything() -> Iterator[Finding]:
    """All checks, the quick ones first."""
    yield from versions()
    yield from environment()
    yield from state_folder()
    yield from kernels()
    yield from shared()
    yield from claude_code()


def versions() -> Iterator[Finding]:
    about = f"cokernel {__version__} · Python {platform.python_version()} · {platform.platform()}"
    yield Finding("versions", Level.OK, about)
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            again = f"{setup.shown([sys.executable, '-m', 'pip', 'install', package])}"
            yield Finding("versions", Level.PROBLEM, f"{package} is not installed.", again)
    yield Finding("versions", Level.OK, " · ".join(found))


def environment() -> Iterator[Finding]:
    for name in _VARIABLES:
        value = os.environ.get(name)
        if not value:
            continue
        if name in CONNECTION_VARIABLES and not os.path.isfile(os.path.expanduser(value)):
            what = f"{name} names {value}, and there is no such file."
            yield Finding(
                "environment",
                Level.PROBLEM,
                what,
                f"Unset {name}, or name a running kernel's file.",
            )
        else:
            yield Finding("environment", Level.OK, f"{name} is {value}")


def state_folder() -> Iterator[Finding]:
    """Records and sockets stand there; nobody else may come near."""
    folder = shares.state_folder()
    shown = short_path(folder)
    if not os.path.isdir(folder):
        yield Finding("state", Level.OK, f"{shown} does not exist yet; the first share makes it")
        return
    try:
        # Looks at owner, mode and every folder above; makes nothing, as it is there.
        shares.private_folder(folder)
    except Untrusted as error:
        yield Finding("state", Level.PROBLEM, error.what, error.next_step)
        return
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    yield Finding("state", Level.OK, f"{shown} is yours alone (mode {mode:o})")


def kernels() -> Iterator[Finding]:
    found = discover()
    for kernel in found.kernels:
        what = f"{kernel.title} runs in {short_path(kernel.folder)} ({short_path(kernel.connection_file)})"
        yield Finding("kernels", Level.OK, what)
        if kernel.readable_by_others:
            risk = f"Other users of this machine can read {kernel.connection_file}, and so use this kernel."
            yield Finding("kernels", Level.NOTE, risk, f"chmod 600 {kernel.connection_file}")
    for refused in found.refused:
        yield Finding("kernels", Level.PROBLEM, f"A connection file is not believed: {refused.why}")
    if found.stale:
        what = f"{len(found.stale)} connection files are of kernels that have gone; they do no harm"
        yield Finding("kernels", Level.OK, what)
    if not found.kernels:
        looked = ", ".join(map(short_path, found.folders)) or "no folder of Jupyter's is there"
        yield Finding(
            "kernels",
            Level.NOTE,
            f"No kernel of yours runs here ({looked}).",
            "Start one: a notebook, Spyder, `jupyter console`, `ipython kernel`.",
        )


def shared() -> Iterator[Finding]:
    scan = shares.scan_shares()
    for refused in scan.refused:
        yield Finding("shares", Level.PROBLEM, f"A share record is not believed: {refused.reason}")
    if scan.elsewhere:
        what = f"{scan.elsewhere} shares belong to another machine, container or boot"
        yield Finding("shares", Level.OK, what)
    if not scan.records:
        yield Finding(
            "shares",
            Level.NOTE,
            "Nothing is shared.",
            "`cokernel share`, or the toggle in your IDE.",
        )
    for record in scan.records:
        yield _share(record)


def _share(record: ShareRecord) -> Finding:
    bridge = _bridge_trouble(record)
    if bridge:
        again = f"End {record.ide} (process {record.bridge_pid}) or share again."
        return Finding("shares", Level.PROBLEM, f"{record.name}: {bridge}", again)
    try:
        said = asyncio.run(_kernel_says(record))
    except (CokernelError, OSError) as error:
        return Finding("shares", Level.PROBLEM, f"{record.name}: {error}")
    return Finding("shares", Level.OK, f"{record.name} answers: {said} (mode {record.mode})")


def _bridge_trouble(record: ShareRecord) -> str:
    """Why its bridge cannot be reached; empty if it can. Nothing is said to it, so no client shows up there."""
    try:
        with contextlib.closing(_connect(record)) as connection, connection.makefile("rb") as lines:
            handshake.read_challenge(lines.readline(handshake.LINE_LIMIT))
    except (OSError, Untrusted) as error:
        return f"its bridge does not answer ({error})."
    return ""


def _connect(record: ShareRecord) -> socket.socket:
    if record.endpoint.kind == "tcp":
        return socket.create_connection(record.endpoint.host_and_port(), ANSWER_TIMEOUT_S)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(ANSWER_TIMEOUT_S)
    try:
        connection.connect(record.endpoint.address)
    except OSError:
        connection.close()
        raise
    return connection


async def _kernel_says(record: ShareRecord) -> str:
    """What the kernel says of itself, signed. Sends no code."""
    connection = read_connection_file(record.connection_file)
    link = ZmqLink(connection, connection_file=record.connection_file, pid=record.kernel_pid)
    try:
        info = await link.connect(ANSWER_TIMEOUT_S)
    finally:
        await link.close()
    return f"{info.implementation} {info.implementation_version}, {info.language} {info.language_version}"


def claude_code() -> Iterator[Finding]:
    client = setup.CLIENTS["claude-code"]
    program = client.find()
    if program is None:
        what = "Claude Code's command `claude` is not on the PATH."
        yield Finding(
            "clients", Level.NOTE, what, "Any other MCP client may start `cokernel` on stdio."
        )
        return
    try:
        version = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout.strip()
        registered = client.registered(program)
    except (CokernelError, OSError, subprocess.TimeoutExpired) as error:
        yield Finding("clients", Level.PROBLEM, f"{program} does not answer: {error}")
        return
    if registered is None:
        what = f"Claude Code ({version}) does not know cokernel."
        yield Finding("clients", Level.NOTE, what, "cokernel setup claude-code")
        return
    what = f"Claude Code ({version}) starts {registered.command}: {registered.status}"
    if not os.path.exists(registered.command.split(" -m ")[0]):
        again = "cokernel setup claude-code --undo, then cokernel setup claude-code"
        yield Finding("clients", Level.PROBLEM, f"{what}; there is no such program.", again)
    else:
        yield Finding("clients", Level.OK, what)
